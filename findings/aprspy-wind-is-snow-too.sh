#!/usr/bin/env bash
# aprspy 0.6.0 (PyPI): in a weather report without a position the wind's speed is snowfall as well.
#
# Expected: c220s004 at its head is the wind, from 220 degrees at four miles an hour. An s after the wind is
# snow, in inches in the last day; there is none in this report, so that snowfall is None.
# Seen: wind_speed 4 and snowfall 4. A gale in July is forty inches of snow. With a position in the report,
# snowfall is missing, as expected.
# Source: aprspy's weather packet searches the whole text for each letter; APRS Protocol Reference 1.0.1,
# chapter 12, "Positionless Weather Report Format".
# Output seen on 2026-11-29, Python 3.11:
#   wind_speed 4 snowfall 4
#   with gusts and rain alone: wind_speed 40 snowfall 40
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aprspy==0.6.0
env/bin/python - <<'PY'
from aprspy import APRS

def parse(report):
    packet = APRS.parse_packet("XX1XX>APRS,TCPIP*:" + report)
    return packet.wind_speed, packet.snowfall

breeze = parse("_10090556c220s004g005t077r000p000P000h50b09900wRSW")
gale = parse("_07090556c220s040g055t077r000")
print("wind_speed", breeze[0], "snowfall", breeze[1])
print("with gusts and rain alone: wind_speed", gale[0], "snowfall", gale[1])
assert tuple(map(int, breeze)) == (4, 4) and tuple(map(int, gale)) == (40, 40)
PY
