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
    """Goodput ratios as a chart, where gnuplot is there."""
    if shutil.which("gnuplot") is None:
        return
    data = directory / f"{name}.dat"
    data.write_text("".join(f"{cell['cell']} {ratio(turns, 'goodput_mbit')}\n"
                            for cell, turns in measured), encoding="utf-8")
    script = (f"set terminal svg size 900,360; set output '{directory}/{name}.svg'\n"
              "set xlabel 'cell'; set ylabel 'goodput, Handfast / Linux'; set yrange [0:*]\n"
              "set grid y; set key off; set boxwidth 0.7; set style fill solid 0.5\n"
              f"plot '{data}' using 1:2 with boxes, 1 with lines lc rgb 'black'\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


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
        if docs is not None:
            marks = rf"(<!-- measured: {algorithm} -->\n).*?(<!-- end -->)"
            page = docs.read_text(encoding="utf-8")
            docs.write_text(re.sub(marks, lambda found, text=text: found[1] + text + found[2], page,
                                   flags=re.S), encoding="utf-8")
