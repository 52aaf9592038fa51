#!/usr/bin/env bash
# nmeasim 1.1.1.0 (PyPI): the local zone in its ZDA sentence has one digit, and a sign on its minutes.
#
# Expected: three and a half hours behind UTC is -03,30: the zone's fields have two digits of fixed width, and
# the minutes, 00 to 59, take the hours' sign.
# Seen: -3,-30. The npm package gps 0.9.0, which reads -03,30 as 210 minutes behind, reads the simulator's
# own sentence as two and a half hours behind: a test against the simulator shows the wrong zone.
# Source: nmeasim/models.py formats the hours and minutes of the offset; NMEA 0183, ZDA, fields 5 and 6.
# Output seen on 2026-11-29, Python 3.11, Node.js 20:
#   $GPZDA,093000.000,29,11,2026,-3,-30*61 is -150 minutes
#   $GPZDA,093000.000,29,11,2026,-03,30*7C is -210 minutes
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install nmeasim==1.1.1.0
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit gps@0.9.0
env/bin/python - > sentence <<'PY'
from datetime import datetime, timedelta, timezone
from nmeasim.models import GpsReceiver

zone = timezone(-timedelta(hours=3, minutes=30))
receiver = GpsReceiver(output=("ZDA",), date_time=datetime(2026, 11, 29, 6, 0, tzinfo=zone))
print(receiver.get_output()[0])
PY
cat > run.js <<'JS'
const assert = require('assert'), GPS = require('gps');
const written = require('fs').readFileSync('sentence', 'utf8').trim();
const body = 'GPZDA,093000.000,29,11,2026,-03,30';
const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
const right = '$' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0');
const minutes = [written, right].map(sentence => GPS.Parse(sentence).offsetMin);
console.log(written, 'is', minutes[0], 'minutes');
console.log(right, 'is', minutes[1], 'minutes');
assert.ok(written.includes(',-3,-30*'));
assert.deepStrictEqual(minutes, [-150, -210]);
JS
node run.js
