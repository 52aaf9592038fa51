#!/usr/bin/env bash
# syslog-parse 2.0.0 (npm): on the last days of a month, other months' messages are dated a month late.
#
# Expected: "Feb  5" is the fifth of February, on whatever day it is parsed.
# Seen: parsed on the 29th (but in leap years), 30th or 31st it is the fifth of March: the month is set while
# the day is still today's, "February 29" runs over into March, and only then is the day set. April, June,
# September and November go wrong in the same way on a 31st. Up to the 28th all is right.
# Source: dist/index.js of the package (setMonth before setDate, starting from the current time).
# Output seen on 2026-11-29, Node.js 20:
#   parsed on 2026-11-28: 2026-02-05
#   parsed on 2026-11-29: 2026-03-05
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit syslog-parse@2.0.0
cat > run.mjs <<'JS'
import assert from 'assert';
process.env.TZ = 'UTC';
const { default: parse } = await import('syslog-parse');
const RealDate = Date;
const seen = ['2026-11-28', '2026-11-29'].map(today => {
  globalThis.Date = class extends RealDate {
    constructor(...given) { super(...(given.length ? given : [`${today}T12:00:00Z`])); }
  };
  const { time } = parse('<13>Feb  5 17:32:18 host app[12]: alpha');
  globalThis.Date = RealDate;
  console.log(`parsed on ${today}: ${time.toISOString().slice(0, 10)}`);
  return time.toISOString().slice(0, 10);
});
assert.deepStrictEqual(seen, ['2026-02-05', '2026-03-05']);
JS
node run.mjs
