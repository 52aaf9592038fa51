#!/usr/bin/env bash
# influx-line-protocol 0.1.5 (PyPI): a number keeps six digits.
#
# Expected: a meter at 1234567.891 kWh is written as energy=1234567.891; a field is a 64-bit float, and Python's
# str() writes as many digits as one needs.
# Seen: energy=1.23457e+06, two kilowatt-hours too many, and the same at 1234569.123 kWh. A latitude
# of 52.3702157 moves by two metres, a time in seconds by up to eighty minutes. Whole numbers (int) are right.
# Source: Metric.__parse_value in influx_line_protocol/metric.py writes with %g; InfluxDB, line protocol, "Data
# types and format": float, IEEE 754 64-bit.
# Output seen on 2026-11-29, Python 3.11:
#   meter energy=1.23457e+06
#   meter energy=1.23457e+06
#   place lat=52.3702
#   event time=1.796e+09
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install influx-line-protocol==0.1.5
env/bin/python - <<'PY'
from influx_line_protocol import Metric

seen = []
for name, field, value in (
    ("meter", "energy", 1234567.891),
    ("meter", "energy", 1234569.123),
    ("place", "lat", 52.3702157),
    ("event", "time", 1796001234.5),
):
    metric = Metric(name)
    metric.add_value(field, value)
    seen.append(str(metric))
    print(metric)
assert seen == ["meter energy=1.23457e+06"] * 2 + ["place lat=52.3702", "event time=1.796e+09"], seen
PY
