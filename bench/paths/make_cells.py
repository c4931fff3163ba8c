#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chooses the cells of the path benchmark: make_cells.py > cells.tsv

A set of conditions in which every pair of values of any two columns meets at least four times, by a
greedy search that is the same in each run. The file it makes is the set; this says where it is from.
"""
import itertools
import random

COLUMNS = {
    "algorithm": ["cubic", "bbr"],
    "receiver": ["linux", "handfast"],
    "rate_mbit": [10, 100, 500],
    "rtt_ms": [1, 20, 100, 300],
    "loss_percent": [0, 0.1, 1, 3],
    "reorder_percent": [0, 5],
    "buffer_bdp": [0.1, 1, 4],
    "codel_ecn": [0, 1],
}
TIMES = 4
CANDIDATES = 60


def pairs(row):
    return itertools.combinations(enumerate(row), 2)


def main():
    chance = random.Random(1)
    names = list(COLUMNS)
    wanted = {}
    for (i, first), (j, second) in itertools.combinations(enumerate(names), 2):
        for one in COLUMNS[first]:
            for other in COLUMNS[second]:
                wanted[((i, one), (j, other))] = TIMES
    rows = []
    while any(count > 0 for count in wanted.values()):
        best = max(([chance.choice(COLUMNS[name]) for name in names] for _ in range(CANDIDATES)),
                   key=lambda row: (tuple(row) not in rows)
                   * sum(max(wanted[pair], 0) for pair in pairs(row)))
        for pair in pairs(best):
            wanted[pair] -= 1
        rows.append(tuple(best))
    rows.sort(key=lambda row: (row[0], row[2], row[3], row[4], row[5], row[6]))
    print("cell", *names, "quick", sep="\t")
    quick = set(chance.sample(range(len(rows)), 8))
    for number, row in enumerate(rows):
        print(number + 1, *row, int(number in quick), sep="\t")


main()
