#!/usr/bin/env bash
# osc-js 2.4.1 (npm): a bundle that is due at half past a second is due half a second later.
#
# Expected: a bundle's time tag has seconds and 32 bits of fraction; the eight notes of a second that are dated
# 125 ms apart are played 125 ms apart.
# Seen: what is sent has the fraction, but on receipt it is rounded to 0 or 1, and timestamp() and the delay by
# which the handlers are called are whole seconds: four notes at once, then, after a second, the other four.
# Source: Timetag.timestamp in lib/osc.js (Math.round of the fraction); Open Sound Control 1.0: the last 32
# bits of a time tag specify fractional parts of a second to a precision of about 200 picoseconds.
# Output seen on 2026-11-30, Node.js 20 (milliseconds after the second):
#   sent 0 125 250 375 500 625 750 875
#   read 0 0 0 0 1000 1000 1000 1000
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit osc-js@2.4.1
cat > run.js <<'JS'
const assert = require('assert'), OSC = require('osc-js');
const second = 1796000000000, sent = [0, 125, 250, 375, 500, 625, 750, 875];
const read = sent.map(offset => {
  const bytes = new OSC.Bundle([new OSC.Message('/note', 60)], second + offset).pack();
  const fraction = new DataView(bytes.buffer).getUint32(12);
  assert.strictEqual(fraction, offset / 1000 * 2 ** 32);
  const bundle = new OSC.Bundle();
  bundle.unpack(new DataView(bytes.buffer));
  return bundle.timetag.value.timestamp() - second;
});
console.log('sent', ...sent);
console.log('read', ...read);
assert.deepStrictEqual(read, [0, 0, 0, 0, 1000, 1000, 1000, 1000]);
JS
node run.js
