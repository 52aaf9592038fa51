#!/usr/bin/env bash
# midimessage 1.0.5 (npm): a pitch wheel at rest is at 16384, twice the centre.
#
# Expected: E0 00 40, the wheel at rest, is 8192, and E0 7F 7F, fully up, is 16383, as the package's README says.
# Seen: 16384 and 32639. The two data bytes have seven bits each and are put together as if they had eight, so
# half of the numbers are left out: 16255 is followed by 16384, and a synthesizer that subtracts 8192
# plays two semitones too high, its whole range, with the wheel untouched.
# Source: the package's parser of 0xE0 (msb << 8); MIDI 1.0, Table II, "Pitch Bend Change": LSB, MSB, seven bits
# each; the centre is 2000H.
# Output seen on 2026-11-30, Node.js 20:
#   E0 00 00: 0
#   E0 7F 3F: 16255
#   E0 00 40: 16384
#   E0 7F 7F: 32639
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit midimessage@1.0.5
cat > run.js <<'JS'
const assert = require('assert'), midimessage = require('midimessage');
const seen = ['E0 00 00', 'E0 7F 3F', 'E0 00 40', 'E0 7F 7F'].map(text => {
  const value = midimessage({ data: Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex')) }).pitchBend;
  console.log(`${text}: ${value}`);
  return value;
});
assert.deepStrictEqual(seen, [0, 16255, 16384, 32639]);
JS
node run.js
