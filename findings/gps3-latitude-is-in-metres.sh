#!/usr/bin/env bash
# gps3 0.33.3 (PyPI): the error of the latitude, in metres, takes the place of the latitude.
#
# Expected: agps3's DataStream, which gives each value of gpsd as an attribute, keeps the lat, lon and alt of
# the position (TPV) when the statistics of its error (GST) follow.
# Seen: both objects write the same attributes, so after each GST lat, lon and alt are the deviations in
# metres, until the next position: a place in the Gulf of Guinea, for a program that reads them in between.
# Source: gps3/agps3.py, DataStream.packages and unpack; gpsd_json(5), GST: lat, lon and alt are the standard
# deviations of their errors, in metres.
# Output seen on 2026-11-29, Python 3.11:
#   after TPV: 52.1 4.3 12.0
#   after GST: 3.2 2.1 5.5
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install gps3==0.33.3
env/bin/python - <<'PY'
from gps3 import agps3

data, seen = agps3.DataStream(), []
for name, line in (
    ("TPV", '{"class":"TPV","device":"/dev/gps0","mode":3,"lat":52.1,"lon":4.3,"alt":12.0}'),
    ("GST", '{"class":"GST","device":"/dev/gps0","rms":2.0,"lat":3.2,"lon":2.1,"alt":5.5}'),
):
    data.unpack(line)
    seen.append((data.lat, data.lon, data.alt))
    print(f"after {name}:", *seen[-1])
assert seen == [(52.1, 4.3, 12.0), (3.2, 2.1, 5.5)]
PY
