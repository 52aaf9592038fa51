#!/usr/bin/env bash
# human-interval 2.0.1 (npm): "an hour" is zero milliseconds.
#
# Expected: "hour" is an hour, so "an hour" and "a minute" are as long, or an error or NaN comes.
# Seen: 0, like any number word that it does not know ("half a day", "couple of days"). A schedule or a time
# limit that is written so runs at once and all the time. "hour", "one hour" and "1 hour" are right.
# Source: index.js takes a number that it cannot read for zero; README: "Converts words written in English".
# Output seen on 2026-11-29, Node.js 20:
#   hour 3600000, one hour 3600000, an hour 0, a minute 0, half a day 0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit human-interval@2.0.1
cat > run.js <<'JS'
const assert = require('assert'), interval = require('human-interval');
const words = ['hour', 'one hour', 'an hour', 'a minute', 'half a day'];
const seen = words.map(text => interval(text));
console.log(words.map((text, i) => `${text} ${seen[i]}`).join(', '));
assert.deepStrictEqual(seen, [3600000, 3600000, 0, 0, 0]);
JS
node run.js
