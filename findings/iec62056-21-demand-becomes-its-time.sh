#!/usr/bin/env bash
# iec62056-21 0.0.2 (PyPI): of a maximum demand with its time, the time is given as the value.
#
# Expected: 1.6.1(00.12*kW)(2606011215), a meter's line for the month's peak and when it was, gives the
# address 1.6.1, the value 00.12 and the unit kW, with or without the time.
# Seen: the address is "1.6.1(00.12*kW)", the value is 2606011215, and there is no unit. A program that looks
# up 1.6.1 does not find it. A line with one pair of brackets is right.
# Source: iec62056_21/messages.py, DataSet's regular expression is greedy; IEC 62056-21 data block.
# Output seen on 2026-11-29, Python 3.11:
#   1.8.1 000123.45 kWh
#   1.6.1(00.12*kW) 2606011215 None
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install iec62056-21==0.0.2
env/bin/python - <<'PY'
from iec62056_21.messages import DataSet

one = DataSet.from_representation("1.8.1(000123.45*kWh)")
two = DataSet.from_representation("1.6.1(00.12*kW)(2606011215)")
print(one.address, one.value, one.unit)
print(two.address, two.value, two.unit)
assert (one.address, one.value, one.unit) == ("1.8.1", "000123.45", "kWh")
assert (two.address, two.value, two.unit) == ("1.6.1(00.12*kW)", "2606011215", None)
PY
