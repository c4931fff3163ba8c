"""What capture_test asks of two captures of the same packets, as tshark dissected them.

    capture_check.py clean|lossy

Reads ours.fields, kernels.fields (a line a packet: IDENTITY, then ANALYSIS) and trace.
"""
import collections
import json
import re
import sys

CHECKSUM, IDENTITY = 10, 11
(STATUS_TCP, STATUS_IP, AGAIN, AGAIN_FAST, AGAIN_SPURIOUS, OUT_OF_ORDER, DUPLICATE_ACK, LOST,
 COMMENT) = range(IDENTITY, IDENTITY + 9)
OURS = ("10.66.0.2", "fd66::2")
GOOD = ("1", "Good")
REASON = re.compile(r"(?:[A-Z0-9-]+ -> [A-Z0-9-]+: )?([a-z0-9-]+): [A-Z][^()]*[.:)] \((?:RFC|[A-Z])[^()]*\)")
SENT_AGAIN = re.compile(r"\bretransmit-[a-z-]+: ")
SILENCE = re.compile(r"\b(?:send-loss-probe|retransmit-timeout|retransmit-after-timeout): ")
PROBE = re.compile(r"\b[a-z-]*probe[a-z-]*: ")  # old data or new, as there is


def check(right, what):
    if not right:
        sys.exit(f"FAILED: {what}")


def read(name):
    with open(name + ".fields", encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    check(all(len(row) == IDENTITY + 9 for row in rows), f"{name}: rows with missing fields")
    check(len(rows) > 1000, f"{name}: {len(rows)} packets are too few")
    return rows


def is_tcp(row):
    return row[2] != ""


def is_ours(row):
    return row[0] in OURS or row[1] in OURS


def identities(rows):
    return collections.Counter(tuple(row[:IDENTITY]) for row in rows if is_tcp(row))


def same(ours, kernels):
    check(ours == kernels, f"only Handfast saw {list(ours - kernels)[:3]}, "
                           f"only the kernel {list(kernels - ours)[:3]}")


def is_minus_zero(row):
    """The kernel may write the checksum zero in its other form; tshark calls that neither good, nor
    an error."""
    return row[CHECKSUM] == "0xffff" and not is_ours(row)


def checksums_are_right(name, rows):
    for number, row in enumerate(rows, 1):
        check(not is_tcp(row) or row[STATUS_TCP] in GOOD or is_minus_zero(row),
              f"{name}: packet {number}: TCP checksum {row[STATUS_TCP]}")
        check(row[0] == "" or row[STATUS_IP].split(",")[0] in GOOD,
              f"{name}: packet {number}: IP checksum {row[STATUS_IP]}")


def events_of_packets():
    """From the trace: the reasons of all packets that were sent, taken or dropped."""
    reasons = collections.Counter()
    with open("trace", encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["event"] in ("sent", "received", "dropped"):
                reasons[event["reason"]] += 1
    return reasons


def comments_are_the_reasons(rows):
    reasons = collections.Counter()
    for number, row in enumerate(rows, 1):
        check(row[COMMENT] != "", f"packet {number} has no comment")
        check(REASON.match(row[COMMENT]), f"packet {number}: not a reason: {row[COMMENT]}")
        reasons[REASON.match(row[COMMENT]).group(1)] += 1
    check(reasons == events_of_packets(),
          f"comments and trace differ: {reasons} and {events_of_packets()}")


def clean(ours, kernels):
    """Nothing is sent twice; but a machine may keep a program from running for longer than packets
    travel. What Handfast sends because of that silence, and says so, is explained, and so are the
    kernel's answers to it. It is rare, and it is never taken for a loss."""
    silences = sum(SILENCE.search(row[COMMENT]) is not None for row in ours)
    check(silences * 1000 <= len(ours), f"{silences} probes and timeouts on a clean link")
    explained = collections.Counter(
        tuple(row[:IDENTITY]) for row in ours if SILENCE.search(row[COMMENT]))
    for name, rows in (("ours", ours), ("kernels", kernels)):
        answers = 0
        for number, row in enumerate(rows, 1):
            if not any(row[AGAIN:COMMENT]):
                continue
            if is_ours(row):
                check(tuple(row[:IDENTITY]) in explained, f"{name}: packet {number}: {row}")
            else:
                check(row[DUPLICATE_ACK] and not any(row[AGAIN:DUPLICATE_ACK]) and not row[LOST],
                      f"{name}: packet {number}: {row}")
                answers += 1
        check(answers <= silences, f"{name}: {answers} duplicate ACKs to {silences} probes")
    same(identities(ours), identities(kernels))


def lossy(ours, kernels):
    """Everything from Handfast passes the device, where the kernel sees it, before it is lost."""
    explained = 0
    for number, row in enumerate(ours, 1):
        if not is_tcp(row) or not is_ours(row):
            continue
        again = any(row[field] for field in (AGAIN, AGAIN_FAST, AGAIN_SPURIOUS, OUT_OF_ORDER))
        said = SENT_AGAIN.search(row[COMMENT]) is not None
        check(again == said or PROBE.search(row[COMMENT]),
              f"packet {number}: tshark and Handfast disagree: {row}")
        explained += again
    check(explained > 10, f"{explained} retransmissions are too few to show anything")
    same(identities(row for row in ours if is_ours(row)),
         identities(row for row in kernels if is_ours(row)))
    print(f"-- {explained} retransmissions, each with its reason")


def main(kind):
    ours, kernels = read("ours"), read("kernels")
    checksums_are_right("ours", ours)
    checksums_are_right("kernels", kernels)
    comments_are_the_reasons(ours)
    {"clean": clean, "lossy": lossy}[kind](ours, kernels)


main(sys.argv[1])
