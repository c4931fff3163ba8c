#!/usr/bin/env python3
"""set_sysctls.py /proc/sys/net/ipv4/NAME=VALUE...: sets each."""
import sys

for setting in sys.argv[1:]:
    path, value = setting.split("=", 1)
    with open(path, "w") as knob:
        knob.write(value + "\n")
