#!/usr/bin/env bash
# extended-nmea 2.1.3 (npm): .50 at the end of a time is read as 50 milliseconds.
#
# Expected: 081836.50, a receiver's time with hundredths of a second, is 500 milliseconds after 08:18:36.
# Seen: 50 milliseconds after it; .500 alone is right, and .5 is refused. Positions that come twice
# a second or more often are dated unevenly.
# Source: parseTime in dist/helpers.js takes the digits behind the point for whole milliseconds; NMEA 0183:
# hhmmss.ss, a decimal fraction of a second.
# Output seen on 2026-11-29, Node.js 20 (milliseconds after 08:18:36, whether the sentence is valid):
#   081836.50 50 true
#   081836.500 500 true
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit extended-nmea@2.1.3
cat > run.js <<'JS'
const assert = require('assert'), { Decoder } = require('extended-nmea');
const seen = ['081836.50', '081836.500'].map(time => {
  const body = `GPRMC,${time},A,3751.65,S,14507.36,E,010.0,360.0,130926,011.3,W`;
  const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
  const line = '$' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0') + '\r\n';
  const sentence = Decoder.decode(line);
  const after = sentence.time.totalMilliseconds - ((8 * 60 + 18) * 60 + 36) * 1000;
  console.log(time, after, sentence.valid);
  return after;
});
assert.deepStrictEqual(seen, [50, 500]);
JS
node run.js
