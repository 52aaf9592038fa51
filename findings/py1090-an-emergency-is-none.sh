#!/usr/bin/env bash
# py1090 1.1 (PyPI): an emergency, and an aircraft on the ground, are None.
#
# Expected: -1 in the last four fields of a BaseStation line, as dump1090 writes them for the squawk 7700 and
# for an aircraft on the ground, is True, 0 is False, and an empty field None.
# Seen: 0 is False and -1 is None, as if the field were empty, so a test for an emergency never holds; written
# again by to_string() the field is empty. The squawk, which the documentation calls a text, is a number: 0021 is
# 21. The npm package sbs1 reads -1 as true.
# Source: _parse_bool in py1090/message.py (1, true, yes and so on); antirez/dump1090, dump1090.c,
# modesSendSBSOutput: emergency, ground, alert and spi are set to -1.
# Output seen on 2026-11-30, Python 3.11:
#   0,-1,0,0: alert False emergency None spi False ground False, squawk 7700
#   0,0,0,-1: alert False emergency False spi False ground None, squawk 21
#   0,-1,0,0 is written as 0,,0,0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install py1090==1.1
env/bin/python - <<'PY'
from py1090 import Message

LINE = "MSG,6,1,1,4840D6,1,2026/11/29,12:00:00.000,2026/11/29,12:00:00.000,,24400,,,,,,{},{}"
seen = []
for squawk, flags in (("7700", "0,-1,0,0"), ("0021", "0,0,0,-1")):
    message = Message.from_string(LINE.format(squawk, flags))
    seen.append((message.squawk_alert, message.emergency, message.spi, message.on_ground, message.squawk))
    print("{}: alert {} emergency {} spi {} ground {}, squawk {}".format(flags, *seen[-1]))
again = Message.from_string(LINE.format("7700", "0,-1,0,0")).to_string().strip().split(",", 18)[-1]
print("0,-1,0,0 is written as", again)
assert seen == [(False, None, False, False, 7700), (False, False, False, None, 21)] and again == "0,,0,0"
PY
