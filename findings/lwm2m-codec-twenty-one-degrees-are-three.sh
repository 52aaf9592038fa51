#!/usr/bin/env bash
# lwm2m-codec 0.1.1 (npm): a temperature of 21.5 degrees in double precision is read as 2.8.
#
# Expected: a float of a LwM2M object has four bytes or eight, as the length in its TLV says: resource 5700 with
# the eight bytes of 21.5 is 21.5, like the one with four. A whole number has one, two, four or eight bytes.
# Seen: of eight bytes the first four are read as a float, so 21.5 is 2.84, a reading that a sensor could have
# made. A whole number below zero in eight bytes, such as a signal's strength of -85 dBm, is 8589934592 too
# small.
# Source: decodeTlvResrc in lib/decode.js (the length is not looked at for a float; for a negative number
# each half is lowered once more); OMA LwM2M 1.0, appendix C, "Data Types": Float, 32 or 64 bits; Integer,
# 8, 16, 32 or 64 bits, in two's complement.
# Output seen on 2026-11-30, Node.js 20:
#   21.5 in 4 bytes: 21.5
#   21.5 in 8 bytes: 2.8359375
#   -85 in 4 bytes: -85
#   -85 in 8 bytes: -8589934677
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit lwm2m-codec@0.1.1
cat > run.js <<'JS'
const assert = require('assert'), codec = require('lwm2m-codec');
const decode = (path, id, bytes) => {
  const short = bytes.length < 8;
  const head = [0xc0 | (id > 255 ? 0x20 : 0) | (short ? bytes.length : 8)];
  head.push(...(id > 255 ? [id >> 8, id & 255] : [id]), ...(short ? [] : [bytes.length]));
  return Object.values(codec.decode('tlv', path, Buffer.concat([Buffer.from(head), bytes])))[0];
};
const write = (size, fill) => { const bytes = Buffer.alloc(size); fill(bytes); return bytes; };
const seen = [
  ['21.5 in 4 bytes', decode('/3303/0', 5700, write(4, bytes => bytes.writeFloatBE(21.5)))],
  ['21.5 in 8 bytes', decode('/3303/0', 5700, write(8, bytes => bytes.writeDoubleBE(21.5)))],
  ['-85 in 4 bytes', decode('/4/0', 2, write(4, bytes => bytes.writeInt32BE(-85)))],
  ['-85 in 8 bytes', decode('/4/0', 2, write(8, bytes => bytes.writeBigInt64BE(-85n)))],
];
for (const [name, value] of seen) console.log(`${name}: ${value}`);
assert.deepStrictEqual(seen.map(([, value]) => value), [21.5, 2.8359375, -85, -8589934677]);
JS
node run.js
