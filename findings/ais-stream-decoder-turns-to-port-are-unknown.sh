#!/usr/bin/env bash
# ais-stream-decoder 2.1.2 (npm): a fast turn to starboard is slow, and a turn to port is unknown.
#
# Expected: the rate of turn in an AIS message is 4.733 times the square root of the degrees a minute, with the
# sign of the turn: 60 is 160.7 degrees a minute to starboard, -60 as many to port, -128 is "not known".
# Seen: 3.56 for 60, null for -60 as for -128. The formula of the encoder is taken for the decoder's, and the
# root of a negative number is NaN, which becomes null in the JSON that the stream gives.
# Source: rateOfTurn in dist/format.js; ITU-R M.1371, messages 1, 2 and 3 (position reports):
# ROTAIS = 4.733 SQRT(ROTsensor).
# Output seen on 2026-11-29, Node.js 20:
#   60: 3.560470345462969
#   -60: null
#   -128: null
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit ais-stream-decoder@2.1.2
cat > run.js <<'JS'
const assert = require('assert'), AisDecoder = require('ais-stream-decoder').default;
const fields = turn => [[1, 6], [0, 2], [123456789, 30], [0, 4], [turn & 255, 8], [100, 10], [1, 1],
  [4.3 * 600000, 28], [52.1 * 600000, 27], [900, 12], [90, 9], [30, 6], [0, 25]];
const sentence = turn => {
  const bits = fields(turn).map(([value, width]) => Math.round(value).toString(2).padStart(width, '0')).join('');
  const sixes = bits.match(/.{6}/g).map(six => parseInt(six, 2));
  const letters = sixes.map(six => String.fromCharCode(six + (six < 40 ? 48 : 56))).join('');
  const body = 'AIVDM,1,1,,A,' + letters + ',0';
  const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
  return '!' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0');
};
const turns = [60, -60, -128], seen = [], decoder = new AisDecoder();
process.exitCode = 1;  // until the end has been seen
decoder.on('data', text => seen.push(JSON.parse(text).rateOfTurn));
decoder.on('end', () => {
  turns.forEach((turn, i) => console.log(turn + ':', seen[i]));
  assert.deepStrictEqual(seen, [Math.sqrt(60 / 4.733), null, null]);
  process.exitCode = 0;
});
for (const turn of turns) decoder.write(sentence(turn));
decoder.end();
JS
node run.js
