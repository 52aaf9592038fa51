#!/usr/bin/env bash
# smeterd 2.9.2 (PyPI): the first meter behind the smart meter is the gas meter, whatever it measures.
#
# Expected: in a telegram with a water meter on channel 1 (device type 7) and a gas meter on channel 2 (device type
# 3) the gas is that of channel 2, 1234.567 m3. Which channel a meter has depends on the order in which
# they were installed, and 0-n:24.1.0 tells what it is.
# Seen: 88.901 m3 of gas, which is the water, with the number of the water meter. The gas meter does not occur, and
# a house with gas on channel 2 alone has used 0 m3.
# Source: P1Packet in smeterd/meter.py looks for 0-1:24.2.1 alone, and 0 is the default; DSMR 5.0.2, P1 companion
# standard, "Representation of P1 telegram": 0-n:24.1.0 device type, 0-n:24.2.1 last value, n is the channel.
# Output seen on 2026-11-30, Python 3.11:
#   water on 1, gas on 2: 88.901 m3 from 57, device type 7
#   gas on 2: 0 m3 from None, device type None
#   gas on 1: 1234.567 m3 from 47, device type 3
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install smeterd==2.9.2
env/bin/python - <<'PY'
from smeterd.meter import P1Packet

def meter(channel, kind, number, value):
    return [f"0-{channel}:24.1.0({kind:03})", f"0-{channel}:96.1.0({number})",
            f"0-{channel}:24.2.1(261130100000W)({value:09.3f}*m3)"]

def telegram(*meters):
    lines = ["/ISk5\\2MT382-1000", "", "1-3:0.2.8(50)", "0-0:1.0.0(261130101500W)", *sum(meters, []), "!", ""]
    return P1Packet("\r\n".join(lines).encode())["gas"]

seen = []
for name, gas in (
    ("water on 1, gas on 2", telegram(meter(1, 7, "57", 88.901), meter(2, 3, "47", 1234.567))),
    ("gas on 2", telegram(meter(2, 3, "47", 1234.567))),
    ("gas on 1", telegram(meter(1, 3, "47", 1234.567))),
):
    print(f"{name}: {gas['total']} m3 from {gas['eid']}, device type {gas['device_type']}")
    seen.append((gas["total"], gas["eid"], gas["device_type"]))
assert seen == [(88.901, "57", 7), (0, None, None), (1234.567, "47", 3)], seen
PY
