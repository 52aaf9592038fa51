#!/usr/bin/env bash
# ggencoder 1.0.10 (npm): the magnetic variation of an RMC sentence is given as the altitude.
#
# Expected: RMC has no altitude, so alt is missing or null; sog, speed over ground, has one unit.
# Seen: alt is 11.3, the variation in degrees. From an AIS message this package gives sog in knots, as both
# formats have it; from an RMC sentence in metres a second, so that a boat at ten knots is slower than its
# own AIS report.
# Source: lib/GG-NmeaDecode.js takes the field behind the date; NMEA 0183, RMC: that field is the magnetic
# variation, with E or W behind it.
# Output seen on 2026-11-29, Node.js 20:
#   RMC at 10.0 knots, variation 11.3 W: sog 5.1 alt 11.3
#   AIS at 13.9 knots: sog 13.9 alt undefined
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit ggencoder@1.0.10
cat > run.js <<'JS'
const assert = require('assert'), { AisDecode, NmeaDecode } = require('ggencoder');
const body = 'GPRMC,081836,A,3751.65,S,14507.36,E,010.0,360.0,130926,011.3,W';
const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
const rmc = new NmeaDecode('$' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0'));
const ais = new AisDecode('!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24');
console.log('RMC at 10.0 knots, variation 11.3 W: sog', rmc.sog, 'alt', rmc.alt);
console.log('AIS at 13.9 knots: sog', ais.sog, 'alt', ais.alt);
assert.deepStrictEqual([rmc.sog, rmc.alt, ais.sog, ais.alt], [5.1, 11.3, 13.9, undefined]);
JS
node run.js
