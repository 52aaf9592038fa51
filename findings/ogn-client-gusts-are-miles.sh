#!/usr/bin/env bash
# ogn-client 2.0.0 (PyPI): a gust in miles an hour is converted as if it were knots.
#
# Expected: g020 in a position with weather, a gust of 20 miles an hour, is 32.2 km/h.
# Seen: 37.0 km/h, 15 percent too strong. It is multiplied by the factor for knots, like the wind's own speed, which
# stands in front of it in a field of another kind (course and speed).
# Source: parse in ogn/parser/parse.py (wind_speed_peak); APRS Protocol Reference 1.0, chapter 12: g is the peak
# of the last five minutes, in miles an hour.
# Output seen on 2026-11-29, Python 3.11:
#   wind 33.3 km/h, gusts 37.0 km/h
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install ogn-client==2.0.0 ogn-parser==0.3.15
env/bin/python - <<'PY'
from ogn.parser import parse

report = parse("FNT000001>OGNFNT,qAS,TEST:/120000h4803.92N/00800.93E_292/018g020t030h50b10150")
wind, gusts = (f"{report[name]:.1f}" for name in ("wind_speed", "wind_speed_peak"))
print(f"wind {wind} km/h, gusts {gusts} km/h")
assert (wind, gusts) == ("33.3", "37.0"), (wind, gusts)
PY
