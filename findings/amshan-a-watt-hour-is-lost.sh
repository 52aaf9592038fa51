#!/usr/bin/env bash
# amshan 2.1.1 (PyPI): of 1.001 kilowatt-hours the watt-hour is lost.
#
# Expected: 1-0:1.8.0(00001.001*kWh) is 1001 watt-hours, and 1-0:1.7.0(0001.023*kW) is 1023 watts.
# Seen: 1000 and 1022. The number is multiplied as a float, 1000.9999999999999, and cut. Of the first hundred
# thousand readings 741 are one too low, so a reading can stay where it was for two steps and then take two at
# once. 1.002 is right.
# Source: _decode_parsed in han/dlde.py (int(float(value) * 1000)); DSMR P1 companion standard 5.0.2, 6.12: a reading
# is F9(3,3), a decimal number with three decimals.
# Output seen on 2026-11-30, Python 3.11:
#   00001.001*kWh: 1000
#   00001.002*kWh: 1002
#   00001.023*kWh: 1022
#   one too low: 741 of 100000
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install amshan==2.1.1
env/bin/python - <<'PY'
from han.dlde import decode_p1_readout_content

def read(value):
    line = f"1-0:1.8.0({value}*kWh)\r\n"
    return decode_p1_readout_content(line.encode())["active_power_import_total"]

seen = []
for value in ("00001.001", "00001.002", "00001.023"):
    seen.append(read(value))
    print(f"{value}*kWh: {seen[-1]}")
differences = [hours - read(f"{hours // 1000:05}.{hours % 1000:03}") for hours in range(100000)]
print("one too low:", differences.count(1), "of", len(differences))
assert seen == [1000, 1002, 1022], seen
assert set(differences) == {0, 1} and differences.count(1) == 741, differences.count(1)
PY
