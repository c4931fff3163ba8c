# SPDX-License-Identifier: MIT
"""Tables and charts of what `handfast bench' has measured, and the page that shows them.

In the page, what stands between `<!-- measured: NAME -->' and `<!-- end of NAME -->' is written anew
from the files DIRECTORY/KIND.json; all other words are its author's.
"""
import json
import pathlib
import re
import shutil
import subprocess

WHO = {"handfast": "Handfast", "floor": "floor", "kernel": "kernel", "peer": "peer"}

# The bars: what, kind, our figure, the figure that the bar is on, peers' figures, the floor's.
BARS = [
    ("program to program, one thread, MSS 1460", "bulk", "rate", "floor_share",
     ["peer_rate"], "floor_segment"),
    ("connections, ended with RST", "connections", "rst_rate", "rst_rate",
     ["peer_rst_rate", "kernel_rst_rate"], None),
    ("connections, FIN and TIME-WAIT kept", "connections", "fin_rate", "fin_rate",
     ["peer_fin_rate", "kernel_fin_rate"], None),
    ("with RST, beside 100,000 idle", "connections", "rst_rate_100k", "rst_100k_share",
     ["peer_rst_rate_idle"], None),
    ("with FIN, beside 100,000 idle", "connections", "fin_rate_100k", "fin_100k_share", [], None),
    ("with FIN, beside the most idle", "connections", "fin_rate_horde", "fin_horde_share", [],
     None),
    ("an idle connection, one end", "idle", "idle_bytes", "idle_bytes", ["peer_idle_bytes"], None),
    ("memory of the most idle, at most", "idle", "peak_mib", "peak_mib", [], None),
    ("a half-open connection's record", "memory", "syn_record", "syn_record", [], None),
    ("a record in TIME-WAIT", "memory", "time_wait_record", "time_wait_record", [], None),
    ("TUN with offloads, kernel sends", "tun", "offload_in", "offload_in_share", ["veth_iperf3", "veth"], None),
    ("TUN with offloads, Handfast sends", "tun", "offload_out", "offload_out_share", ["veth_iperf3", "veth"],
     None),
    ("plain TUN, kernel sends", "tun", "plain_in", "plain_in", ["veth_iperf3", "veth"], None),
    ("plain TUN, Handfast sends", "tun", "plain_out", "plain_out", ["veth_iperf3", "veth"], None),
    ("one host, a stream on each core", "scale", "host_all", "host_work_scaling", [], None),
    ("a timer re-armed among the most", "timers", "rearm_most", "rearm_growth", [], None),
]

# Charts: file, kind, the curves, the y axis.
CHARTS = [
    ("idle-memory", "idle", ["held", "peak"], "bytes a connection", False),
    ("idle-latency", "idle", ["wake_p50", "wake_p99", "wake_p999"], "us", True),
    ("lookup", "lookup", ["hit", "miss", "insert", "remove", "touch"], "ns", True),
    ("insert", "lookup", ["insert", "insert_p9999", "insert_most"], "ns", True),
    ("timers", "timers", ["arm", "rearm", "rearm_move", "cancel", "expire", "touch"], "ns", True),
]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}" if value > 0 else "0"


def read(directory):
    reports = {}
    for path in sorted(directory.glob("*.json")):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            print(f"bench/report.py: {path} holds no report: was the run cut off?")
            continue
        if report.get("handfast_bench") == 1:
            reports[report["kind"]] = report
    return reports


def figure(reports, kind, name):
    for row in reports.get(kind, {}).get("figures", []):
        if row["name"] == name:
            return row
    return None


def with_unit(row):
    return f"{number(row['median'])} {row['unit']}"


def bars(reports):
    lines = ["| work | Handfast | beside | bar | |", "|---|---|---|---|---|"]
    for what, kind, ours, held, peers, floor in BARS:
        own, bar = figure(reports, kind, ours), figure(reports, kind, held)
        if own is None or bar is None:
            lines.append(f"| {what} | not measured | | | |")
            continue
        beside = [f"{WHO[row['who']]} {with_unit(row)}" for row in
                  (figure(reports, kind, name) for name in [*peers, floor] if name) if row]
        side, limit = ("at least", "at_least") if "at_least" in bar else ("at most", "at_most")
        asked = f"{side} {number(bar[limit])} {bar['unit']}" if limit in bar else ""
        if ours != held and asked:
            asked += f", is {number(bar['median'])}"
        verdict = {True: "reached", False: "**not reached**"}.get(bar.get("reached"), "")
        lines.append(f"| {what} | {with_unit(own)} | {'; '.join(beside)} | {asked} | {verdict} |")
    return "\n".join(lines)


def table(report):
    lines = [f"{report['rounds']} rounds.", "", "| whose | what | median | least to most |",
             "|---|---|---|---|"]
    for row in report["figures"]:
        span = f"{number(row['least'])} to {number(row['most'])}" if len(row["runs"]) > 1 else ""
        lines.append(f"| {WHO[row['who']]} | {row['what'].strip()} | {with_unit(row)} | {span} |")
    return "\n".join(lines + notes(report))


def curves(report):
    rows = report["curves"]
    xs = sorted({point["x"] for row in rows for point in row["points"]})
    lines = ["", f"| whose | {rows[0]['x']}: | " + " | ".join(f"{x:,.0f}" for x in xs) + " |",
             "|---|---|" + "---|" * len(xs)]
    for row in rows:
        at = {point["x"]: number(point["median"]) for point in row["points"]}
        lines.append(f"| {WHO[row['who']]} | {row['what']}, {row['unit']} | " +
                     " | ".join(at.get(x, "") for x in xs) + " |")
    return "\n".join(lines)


def notes(report):
    return ["", *(f"- {note}" for note in report["notes"])] if report["notes"] else []


def charts_of(kind, docs):
    lines = []
    for name, of_kind, _, _, _ in CHARTS:
        if of_kind == kind and (docs / f"performance-{name}.svg").exists():
            lines += ["", f"![{name}](performance-{name}.svg)"]
    return "\n".join(lines)


def title(row):
    """Quoted as gnuplot wants it."""
    return row["what"].replace("'", "''")


def draw(reports, docs):
    """Charts, where gnuplot is there."""
    if shutil.which("gnuplot") is None:
        print("bench/report.py: gnuplot is missing: no charts are drawn")
        return
    for name, kind, wanted, unit, logarithmic in CHARTS:
        rows = [row for row in reports.get(kind, {}).get("curves", []) if row["name"] in wanted]
        if not rows:
            continue
        script = [f"set terminal svg size 760,380; set output '{docs}/performance-{name}.svg'",
                  "set logscale x; set xlabel 'connections'; set format x '%.0s%c'",
                  f"set ylabel '{unit}'; set grid; set key outside below",
                  "set logscale y" if logarithmic else "set yrange [0:*]"]
        for at, row in enumerate(rows):
            script.append(f"$curve{at} << END")
            script += [f"{point['x']} {max(point['median'], 1e-3)}" for point in row["points"]]
            script.append("END")
        script.append("plot " + ", ".join(
            f"$curve{at} using 1:2 with linespoints title '{title(row)}'"
            for at, row in enumerate(rows)))
        subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def machine(reports):
    any_report = next(iter(reports.values()))
    about, build = any_report["machine"], any_report["build"]
    loads = [report["machine"]["load"] for report in reports.values()]
    # The load is an average of the last minute, so partly the measurement's before: the least is that
    # of others.
    busy = (f" Measured on {about['cores']} cores while other work ran (load {min(loads):.1f} to "
            f"{max(loads):.1f}): what is timed on the wall is worse than it would be alone, and "
            "caches were shared." if min(loads) > 1.5 or max(loads) > about["cores"] + 0.5 else
            f" Load {min(loads):.1f} to {max(loads):.1f}, its own.")
    return (f"{about['processor']}, {about['cores']} cores, "
            f"{about['memory_bytes'] / 2**30:.0f} GiB, {about['kernel']}; {build['compiler']}, "
            f"{build['flags']}.{busy}")


def instructions(directory):
    path = directory / "instructions.tsv"
    if not path.exists():
        return "Not counted: valgrind is missing."
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    names = {"floor": "the copies and sums of 1460 bytes alone",
             "bulk": "a segment, both ends",
             "received": "the same, read by hf_recv",
             "single": "that, too, one packet a call",
             "rst": "a connection ended with RST, both ends",
             "fin": "a connection with FIN and TIME-WAIT, both ends"}
    return "\n".join(["| work | instructions |", "|---|---|"] +
                     [f"| {names.get(name, name)} | {int(count):,} |" for name, count in rows])


def parts(directory, docs):
    reports = read(directory)
    made = {"bars": bars(reports), "instructions": instructions(directory)}
    if reports:
        made["machine"] = machine(reports)
    for kind, report in reports.items():
        made[kind] = table(report)
        if report["curves"]:
            made[kind] += "\n" + curves(report) + charts_of(kind, docs)
    return reports, made


def write(directory, page):
    """The page anew, with its charts beside it."""
    page = pathlib.Path(page)
    draw(read(directory), page.parent)
    _, made = parts(directory, page.parent)
    text = page.read_text(encoding="utf-8")
    for name, words in made.items():
        pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)", re.S)
        text = pattern.sub(lambda found, words=words: f"{found[1]}\n{words}\n\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")
