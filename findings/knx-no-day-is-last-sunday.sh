#!/usr/bin/env bash
# knx 2.5.4 (npm): a time of day without a day is last Sunday's, and one on a Sunday is next Sunday's.
#
# Expected: 0C 22 38, the time 12:34:56 with "no day" (0), received on a Wednesday, is a time of that Wednesday, and
# EC 22 38, with day 7, received on a Sunday, one of that Sunday.
# Seen: the first is three days old, the second seven days ahead. Of KNX's days, 1 for Monday to 7 for Sunday
# and 0 for none, the library makes JavaScript's, 0 for Sunday to 6 for Saturday.
# Source: fromBuffer in src/dptlib/dpt10.js; KNX Standard 3/7/2, datapoint type 10.001: 0 is "no day".
# Output seen on 2026-11-30, Node.js 20:
#   no day, on Wed Nov 25 2026: Sun Nov 22 2026 12:34:56
#   Wednesday, on Wed Nov 25 2026: Wed Nov 25 2026 12:34:56
#   Sunday, on Sun Nov 29 2026: Sun Dec 06 2026 12:34:56
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit --ignore-scripts knx@2.5.4
cat > run.js <<'JS'
const assert = require('assert'), dptlib = require('knx/src/dptlib');
const RealDate = Date;
let today;
global.Date = class extends RealDate {  // so that the day on which this runs does not matter
  constructor(...args) { super(...(args.length ? args : [2026, 10, today, 20, 0, 0])); }
};
const time = dptlib.resolve('DPT10.001');
const seen = [['no day', 0, 25], ['Wednesday', 3, 25], ['Sunday', 7, 29]].map(([name, day, date]) => {
  today = date;
  const value = dptlib.fromBuffer(Buffer.from([(day << 5) + 12, 34, 56]), time);
  const text = value.toDateString() + ' ' + value.toTimeString().slice(0, 8);
  console.log(`${name}, on ${new Date().toDateString()}: ${text}`);
  return text;
});
assert.deepStrictEqual(seen, [
  'Sun Nov 22 2026 12:34:56', 'Wed Nov 25 2026 12:34:56', 'Sun Dec 06 2026 12:34:56',
]);
JS
node run.js
