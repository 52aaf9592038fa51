#!/usr/bin/env bash
# quicvarint 0.1.4 (npm): a length between two and four gibibytes is below zero.
#
# Expected: the package supports numbers up to 2147483647. A larger one, of the eight bytes that RFC 9000 has for it, is
# the error "Cannot decode number greater than 2147483647", as it is for 4294967296.
# Seen: no error for 3221225472, but -1073741824; a server that compares it with its limit takes it for a short
# message. read() has no error for any number: 4294967296 is 0, and the RFC's own example is another number.
# Source: decode (only the upper four bytes are looked at, and << 24 makes a number with a sign) and read in
# dist/index.js; the README, "Features"; RFC 9000, section 16 and appendix A.1.
# Output seen on 2026-12-01, Node.js 20:
#   2147483647: decode 2147483647, read 2147483647
#   3221225472: decode -1073741824, read -1073741824
#   4294967296: decode an error, read 0
#   151288809941952652: decode an error, read -15406964
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit quicvarint@0.1.4
cat > run.js <<'JS'
const assert = require('assert'), { decode, read } = require('quicvarint');
const seen = ['c00000007fffffff', 'c0000000c0000000', 'c000000100000000', 'c2197c5eff14e88c'].map(hex => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  const number = Buffer.from(bytes).readBigUInt64BE() & 0x3fffffffffffffffn;
  let decoded;
  try { decoded = decode(bytes).value; } catch { decoded = 'an error'; }
  const { value } = read(new DataView(bytes.buffer), 0);
  console.log(`${number}: decode ${decoded}, read ${value}`);
  return [decoded, value];
});
assert.deepStrictEqual(seen, [
  [2147483647, 2147483647], [-1073741824, -1073741824], ['an error', 0], ['an error', -15406964],
]);
JS
node run.js
