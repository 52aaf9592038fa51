#!/usr/bin/env bash
# @balena/proxy-protocol-parser 1.0.2 (npm): its version 2 header names a client and says that there is none.
#
# Expected: v2_encode of a TCP connection over IPv4 begins with the signature, 21 (version 2, command PROXY), 11
# (IPv4, stream) and 00 0c, the twelve bytes of addresses and ports that follow.
# Seen: 20, the command LOCAL, by which the receiver has to leave the addresses alone and to take the proxy's own,
# as for a health check; and 0c 00, a length of 3072, so a receiver waits for, and throws away, the first 3060
# bytes of what the client sends. The package's own decoder looks at neither and reads the header as it was meant.
# Source: lib/v2_encode.js (the command is left out of V2_PROXY, the length is written into one byte);
# HAProxy's "The PROXY protocol", section 2.2: \x20 is LOCAL, \x21 is PROXY, len is in network byte order.
# Output seen on 2026-11-30, Node.js 20, proxy-protocol 0.11.3 (PyPI) as the receiver:
#   header: 20 11 0c00, 12 bytes follow
#   decoder of the package: 192.0.2.7
#   receiver: waits for 3060 bytes more, then says: no address
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit @balena/proxy-protocol-parser@1.0.2
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install proxy-protocol==0.11.3
cat > run.js <<'JS'
const assert = require('assert'), fs = require('fs'), { v2_encode, decode } = require('@balena/proxy-protocol-parser');
const header = v2_encode({ remoteFamily: 'IPv4', remoteAddress: '192.0.2.7', remotePort: 40000,
  localAddress: '192.0.2.1', localPort: 443, protocol: 'tcp' });
const parts = [header.subarray(12, 13), header.subarray(13, 14), header.subarray(14, 16)].map(part => part.toString('hex'));
console.log(`header: ${parts.join(' ')}, ${header.length - 16} bytes follow`);
const own = decode(header, true).remoteAddress;
console.log(`decoder of the package: ${own}`);
assert.deepStrictEqual([...parts, header.length, own], ['20', '11', '0c00', 28, '192.0.2.7']);
fs.writeFileSync('header', header);
JS
node run.js
env/bin/python - <<'PY'
from proxyprotocol import ProxyProtocolIncompleteError
from proxyprotocol.v2 import ProxyProtocolV2

header, more = open("header", "rb").read(), 0
try:
    ProxyProtocolV2().unpack(header)
except ProxyProtocolIncompleteError as error:
    more = error.want_read.want_bytes
result = ProxyProtocolV2().unpack(header + bytes(more))
print(f"receiver: waits for {more} bytes more, then says:", result.source if result.proxied else "no address")
assert more == 3060 and not result.proxied
PY
