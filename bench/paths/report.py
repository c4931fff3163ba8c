# SPDX-License-Identifier: MIT
"""Tables and charts of what `run' has measured.

A figure of a cell is the median of its runs, and a ratio that of two medians: one run that chance
was kind to decides nothing. Short transfers of all runs are taken together.
"""
import csv
import json
import re
import shutil
import statistics
import subprocess

SENDERS = ("handfast", "linux")
HEAD = """\
| cell | path | Handfast Mbit/s | Linux Mbit/s | ratio | 16 KiB time | 1 MiB time | sent again % \
| came twice % | queue ms |
|---|---|---|---|---|---|---|---|---|---|
"""


def read_cells(path):
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield {key: value if key in ("algorithm", "receiver") else float(value)
                   if "." in value else int(value) for key, value in row.items()}


def read_turns(directory):
    """By cell and sender."""
    turns = {}
    with open(directory / "results.jsonl", encoding="utf-8") as file:
        for line in file:
            turn = json.loads(line)
            turns.setdefault(turn["cell"], {}).setdefault(turn["sender"], []).append(turn)
    return {cell: of for cell, of in turns.items() if set(of) == set(SENDERS)}


def figure(turns, key):
    values = [turn[key] for turn in turns]
    if isinstance(values[0], list):
        values = [value for some in values for value in some]
    return statistics.median(values)


def ratio(turns, key):
    """Handfast's median over the kernel's."""
    linux = figure(turns["linux"], key)
    return figure(turns["handfast"], key) / linux if linux > 0 else float("nan")


def describe(cell):
    parts = [f"{cell['rate_mbit']} Mbit/s", f"{cell['rtt_ms']} ms",
             f"{cell['buffer_bdp']} BDP" + (" CoDel+ECN" if cell["codel_ecn"] else "")]
    if cell["loss_percent"]:
        parts.append(f"loss {cell['loss_percent']} %")
    if cell["reorder_percent"]:
        parts.append(f"reordering {cell['reorder_percent']} %")
    return ", ".join(parts) + f"; to {cell['receiver'].capitalize()}"


def row(cell, turns):
    def both(key, scale, places):
        return " / ".join(f"{figure(turns[sender], key) * scale:.{places}f}" for sender in SENDERS)
    figures = [f"{figure(turns['handfast'], 'goodput_mbit'):.2f}",
               f"{figure(turns['linux'], 'goodput_mbit'):.2f}",
               f"{ratio(turns, 'goodput_mbit'):.3f}", f"{ratio(turns, '16k_ms'):.2f}",
               f"{ratio(turns, '1m_ms'):.2f}", both("retransmitted", 100, 2),
               both("spurious", 100, 2), both("queue_mean_ms", 1, 1)]
    return f"| {cell['cell']} | {describe(cell)} | " + " | ".join(figures) + " |"


def summary(measured):
    """Of [(cell, turns)]: the sentences under a table."""
    def count(key, good):
        return sum(good(round(ratio(turns, key), 3)) for _, turns in measured)
    least = min(ratio(turns, "goodput_mbit") for _, turns in measured)
    runs = sorted({len(some) for _, turns in measured for some in turns.values()})
    seconds = sorted({turn["seconds"] for _, turns in measured
                      for some in turns.values() for turn in some})
    number = len(measured)

    def span(values):
        return f"{values[0]:g}" + (f" to {values[-1]:g}" if values[0] != values[-1] else "")
    return (f"{number} cells, {span(runs)} runs each way of {span(seconds)} s. Goodput at least "
            f"Linux's in {count('goodput_mbit', lambda r: r >= 1)}, at least 0.95 of it in "
            f"{count('goodput_mbit', lambda r: r >= 0.95)}; least ratio {least:.3f}. Time no longer "
            f"(to 2 %) in {count('16k_ms', lambda r: r <= 1.02)} for 16 KiB and "
            f"{count('1m_ms', lambda r: r <= 1.02)} for 1 MiB.\n")


def table(measured):
    return HEAD + "".join(row(*one) + "\n" for one in measured) + "\n" + summary(measured)


def chart(directory, name, measured):
    """What the table has as ratios, where gnuplot is there: is there one now?"""
    if shutil.which("gnuplot") is None:
        return False
    keys = {"goodput_mbit": "goodput (more is better)", "1m_ms": "time of 1 MiB (less is better)",
            "16k_ms": "time of 16 KiB (less is better)"}
    lines = [" ".join([str(cell["cell"])] + [f"{ratio(turns, key):.4f}" for key in keys])
             for cell, turns in measured]
    script = [f"set terminal svg size 900,380 background rgb 'white'; set output '{directory}/{name}.svg'",
              "set xlabel 'cell'; set ylabel 'Handfast over Linux'; set logscale y 2",
              "set grid y; set key outside bottom center horizontal; set pointsize 0.7",
              "$ratios << END"] + lines + ["END", "plot 1 with lines lc rgb 'black' notitle, " +
              ", ".join(f"$ratios using 1:{at} with points pt {7 if at == 2 else 2 + at} title '{key}'"
                        for at, key in enumerate(keys.values(), 2))]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
    return True


def write(directory, cells, docs):
    """A table and a chart for each algorithm; in the page `docs' what stands between its marks."""
    turns = read_turns(directory)
    cells = [cell for cell in cells if cell["cell"] in turns]
    for algorithm in sorted({cell["algorithm"] for cell in cells}):
        measured = [(cell, turns[cell["cell"]]) for cell in cells
                    if cell["algorithm"] == algorithm]
        text = table(measured)
        (directory / f"{algorithm}.md").write_text(text, encoding="utf-8")
        chart(directory, algorithm, measured)
        print(f"{algorithm}: {summary(measured)}", end="")
        marks = rf"(<!-- measured: {algorithm} -->\n).*?(<!-- end -->)"
        page = docs.read_text(encoding="utf-8") if docs is not None else ""
        if re.search(marks, page, flags=re.S):
            name = f"{docs.stem}-{algorithm}"
            if chart(docs.parent, name, measured):
                text += f"\n![Handfast over Linux, cell by cell]({name}.svg)\n"
            docs.write_text(re.sub(marks, lambda found, text=text: found[1] + text + found[2], page,
                                   flags=re.S), encoding="utf-8")
