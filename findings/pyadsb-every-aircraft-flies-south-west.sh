#!/usr/bin/env bash
# pyadsb 0.0.3 (PyPI): every aircraft flies to the south-west and descends, and its callsign is its parity.
#
# Expected: a velocity of 8 knots to the east and 159 to the north is a heading of 3 degrees; with the two bits
# of direction set it is 183. A vertical rate has such a bit as well. 8D4840D6202CC371C32CE0576098 is the
# callsign KLM1023 and a space: eight letters of six bits, 1 for A, then the parity.
# Seen: 183 degrees for both, and 832 feet a minute downwards for both: -1**bit is -(1**bit), which is -1 in any
# case. The callsign is YC6V_320: the parity's 24 bits as letters, then the last four of KLM1023 backwards, and
# a letter, were there one left, is the next in the alphabet.
# Source: heading, altitude_rate and AircraftId.parse in adsb/adsb.py; the messages are examples of J. Sun, "The
# 1090 Megahertz Riddle", chapters on identification and airborne velocity, one with its three signs turned.
# Output seen on 2026-11-30, Python 3.11:
#   callsign: YC6V_320
#   to the south-west and down: heading 183, rate -832
#   to the north-east and up: heading 183, rate -832
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pyadsb==0.0.3
env/bin/python - <<'PY'
from adsb.adsb import Adsb


def message(text):
    """With the parity of its first 88 bits."""
    data, rest = bytes.fromhex(text), int(text, 16) << 24
    for bit in range(111, 23, -1):
        rest ^= (rest >> bit & 1) * (0x1FFF409 << bit - 24)
    return data + rest.to_bytes(3, "big")


callsign = Adsb.parse(message("8D4840D6202CC371C32CE0")).data.callsign
print("callsign:", callsign)
seen = []
for name, text in (
    ("to the south-west and down", "8D48502099440994083817"),
    ("to the north-east and up", "8D48502099400914003817"),
):
    data = Adsb.parse(message(text)).data
    seen.append((round(data.heading()), data.altitude_rate()))
    print(f"{name}: heading {seen[-1][0]}, rate {seen[-1][1]}")
assert callsign == "YC6V_320" and seen == [(183, -832)] * 2
PY
