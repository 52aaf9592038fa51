#!/usr/bin/env bash
# influx-line 1.0.0 (PyPI): a text comes back from the database with backslashes.
#
# Expected: the field text="door opened, level=3": between quotes only the quote and the backslash are escaped.
# Seen: spaces, commas and equals signs get a backslash too, as in a tag, and a reader of the format keeps it,
# since a backslash in front of them is a backslash: door\ opened\,\ level\=3.
# Source: add_field in influx_line.py uses _escape for tags; InfluxDB, line protocol, "Special characters": in
# string field values, double quote and backslash.
# Output seen on 2026-11-29, Python 3.11:
#   log,door=front text="door\ opened\,\ level\=3"
#   line-protocol-parser reads: door\ opened\,\ level\=3
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install influx-line==1.0.0 line-protocol-parser==2.0.1
env/bin/python -W ignore - <<'PY'
from influx_line import InfluxLine
from line_protocol_parser import parse_line

line = InfluxLine("log")
line.add_tag("door", "front")
line.add_field("text", "door opened, level=3")
read = parse_line(str(line))["fields"]["text"]
print(line)
print("line-protocol-parser reads:", read)
assert read == r"door\ opened\,\ level\=3", read
PY
