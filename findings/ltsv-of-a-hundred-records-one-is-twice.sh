#!/usr/bin/env bash
# ltsv 2.0.0 (npm): of a file of a hundred records 32 are read, one of them twice.
#
# Expected: a file of a hundred records, through the stream that turns LTSV into objects, is a hundred objects.
# Seen: 1 to 16, and 16 to 31; the other 69 are lost, without an error. Where the reader has not taken the sixteenth
# record yet, push() answers false, which says that enough is kept for now. The stream takes it for "not taken", so
# that the record comes again with the next piece of data or at the end, and so do those behind it, up to the next
# false. A file of ten records is right.
# Source: _push in src/nodejs_stream.ts; Node.js, readable.push(): the chunk is in the queue, and false asks for a
# pause.
# Output seen on 2026-11-30, Node.js 20:
#   of 10: 10, the last 10, twice []
#   of 100: 32, the last 31, twice [16]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit ltsv@2.0.0
cat > run.js <<'JS'
const assert = require('assert'), fs = require('fs'), ltsv = require('ltsv');
async function read(count) {
  fs.writeFileSync('log', Array.from({ length: count }, (_, i) => `number:${i + 1}\tstatus:200\n`).join(''));
  const seen = [];
  const records = fs.createReadStream('log').pipe(ltsv.createLtsvToJsonStream({ objectMode: true }));
  for await (const record of records) seen.push(Number(record.number));
  const twice = seen.filter((number, i) => number === seen[i - 1]);
  console.log(`of ${count}: ${seen.length}, the last ${seen.at(-1)}, twice [${twice}]`);
  return seen;
}
(async () => {
  const first = Array.from({ length: 16 }, (_, i) => i + 1);
  assert.deepStrictEqual(await read(10), first.slice(0, 10));
  assert.deepStrictEqual(await read(100), [...first, ...first.map(i => i + 15)]);
})();
JS
node run.js
