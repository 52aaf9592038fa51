#!/usr/bin/env bash
# proxy-protocol-js 4.0.6 (npm): refuses "PROXY UNKNOWN", and hands a version 2 header's TLVs out as data.
#
# Expected: the line PROXY UNKNOWN alone is a whole header (nginx and HAProxy send it for a client without
# an address), and what follows a header's counted bytes, here "alpha", is the connection's data.
# Seen: an error for the first; UNKNOWN parses only with addresses behind it. Of the second, "data" begins
# with the TLVs that the header's length covers, and nothing says where they end.
# Source: V1ProxyProtocol.parse and V2ProxyProtocol.parse of the package; HAProxy's "The PROXY protocol",
# sections 2.1 (UNKNOWN: the rest may be omitted) and 2.2 (the length includes the TLVs).
# Output seen on 2026-11-29, Node.js 20:
#   version 1: given data isn't suitable for V1 PROXY protocols definition
#   version 2: data = "\u0004\u0000\u0001\u0000alpha"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit proxy-protocol-js@4.0.6
cat > run.js <<'JS'
const assert = require('assert'), { V1ProxyProtocol, V2ProxyProtocol } = require('proxy-protocol-js');
let refusal;
try { V1ProxyProtocol.parse('PROXY UNKNOWN\r\nalpha'); } catch (error) { refusal = error.message; }
console.log('version 1:', refusal);
const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const addresses = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0x01, 0xbb];
const padding = [4, 0, 1, 0];                      // PP2_TYPE_NOOP, one byte long
const header = [...signature, 0x21, 0x11, 0, addresses.length + padding.length, ...addresses, ...padding];
const { data } = V2ProxyProtocol.parse(Uint8Array.from([...header, ...Buffer.from('alpha')]));
console.log('version 2: data =', JSON.stringify(Buffer.from(data).toString()));
assert(refusal);
assert.deepStrictEqual([...data], [...padding, ...Buffer.from('alpha')]);
JS
node run.js
