#!/usr/bin/env bash
# nmea-simple 3.3.0 (npm): an empty field is the number zero, so a ship at anchor heads north.
#
# Expected: NMEA 0183 leaves a field empty when its value is not known, and a receiver that stands still or has
# no fix does so; the parser says undefined, null or NaN.
# Seen: a course of 0 degrees from a receiver that gives none; and without a fix a place in the sea off
# Ghana, latitude 0, longitude 0, at an altitude of 0 metres.
# Source: helpers.ts of the package; NMEA 0183: a field without a value is null, two commas in a row.
# Output seen on 2026-11-29, Node.js 20:
#   VTG at rest: trackTrue 0 speedKmph 0
#   GGA without a fix: latitude -0 longitude -0 altitudeMeters 0 fixType none
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit nmea-simple@3.3.0
cat > run.js <<'JS'
const assert = require('assert'), { parseNmeaSentence } = require('nmea-simple');
function parse(body) {
  const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
  return parseNmeaSentence('$' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0'));
}
const rest = parse('GPVTG,,T,,M,0.0,N,0.0,K,A');
console.log('VTG at rest: trackTrue', rest.trackTrue, 'speedKmph', rest.speedKmph);
const blind = parse('GPGGA,060000.00,,,,,0,00,99.99,,,,,,');
console.log('GGA without a fix: latitude', blind.latitude, 'longitude', blind.longitude,
  'altitudeMeters', blind.altitudeMeters, 'fixType', blind.fixType);
assert.deepStrictEqual([rest.trackTrue, blind.latitude, blind.longitude, blind.altitudeMeters], [0, -0, -0, 0]);
JS
node run.js
