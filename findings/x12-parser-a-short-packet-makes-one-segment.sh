#!/usr/bin/env bash
# x12-parser 1.3.0 (npm): an interchange whose first packet is short is a single segment.
#
# Expected: an interchange of six segments is six segments, however it is cut: the parser is a stream, and the
# first 106 characters, the ISA, tell which character ends a segment.
# Seen: one, an ISA with the ends of the others within its elements, when the first piece has less than 106
# characters, as after a slow sender or a packet of a proxy. There is no error. From 106 on all is right.
# Source: processChunk in dist/cjs/X12parser.js looks for the delimiters in the first piece alone; ASC X12.5, ISA:
# a segment of fixed length, the segment terminator is its 106th character.
# Output seen on 2026-11-30, Node.js 20:
#   first packet of 106: ISA GS ST SE GE IEA
#   first packet of 60: ISA
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit x12-parser@1.3.0
cat > run.js <<'JS'
const assert = require('assert'), { X12parser } = require('x12-parser');
const text = 'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       ' +
  '*261130*1015*^*00501*000000001*0*P*:~GS*FA*SENDER*RECEIVER*20261130*1015*1*X*005010X231A1~' +
  'ST*999*0001~SE*2*0001~GE*1*1~IEA*1*000000001~';
assert.strictEqual(text.indexOf('~'), 105);
const names = length => new Promise(resolve => {
  const parser = new X12parser(), found = [];
  parser.on('data', segment => found.push(segment.name));
  parser.on('end', () => resolve(found.join(' ')));
  parser.write(text.slice(0, length));
  parser.end(text.slice(length));
});
(async () => {
  const seen = [];
  for (const length of [106, 60]) {
    seen.push(await names(length));
    console.log(`first packet of ${length}: ${seen.at(-1)}`);
  }
  assert.deepStrictEqual(seen, ['ISA GS ST SE GE IEA', 'ISA']);
})();
JS
node run.js
