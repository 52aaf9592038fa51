#!/usr/bin/env bash
# readmet 1.0.0 (PyPI): a trace of rain, 0.05 mm or less, is half a millimetre.
#
# Expected: in a weather file of the format AKTerm the amount of rain is a SYNOP code: 990 is 0.05 mm or less, 991 is
# 0.1 mm, 994 is 0.4 mm, 2 is 2 mm.
# Seen: 990 is 0.5 mm, the value of 995. An hour with a few drops is more than one of 0.4 mm, and the sum of a year is
# too high.
# Source: precipitation_from_synop in readmet/akterm.py (0.5; the description of precipitation_to_synop above it says
# 0.05 mm or less); WMO-No. 306, Manual on Codes, code table 3590: 990, trace; 991, 0.1 mm; 995, 0.5 mm.
# Output seen on 2026-11-30, Python 3.11:
#   code 0: 0.0 mm
#   code 990: 0.5 mm
#   code 991: 0.1 mm
#   code 994: 0.4 mm
#   code 2: 2.0 mm
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install readmet==1.0.0 pandas==3.1.1
env/bin/python -W ignore - <<'PY'
from readmet import akterm

codes = (0, 990, 991, 994, 2)
lines = ["* AKTERM-Zeitreihe mit Niederschlag", "+ Anemometerhoehen (0.1 m): 34 45 64 86 116 160 207 249 288"]
lines += [f"AK 10999 2026 11 30 {hour:02} 00 1 1 210 56 1 3 1 -999 9 {code:3} 0" for hour, code in enumerate(codes)]
with open("weather.akterm", "w") as file:
    file.write("\n".join(lines) + "\n")
amounts = list(akterm.DataFile("weather.akterm").data["PP"])
for code, amount in zip(codes, amounts):
    print(f"code {code}: {amount} mm")
assert amounts == [0, 0.5, 0.1, 0.4, 2], amounts
PY
