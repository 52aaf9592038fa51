#!/usr/bin/env bash
# graygelf 2.0.0 (npm): two messages in chunks that arrive at the same time are one message, which nobody sent.
#
# Expected: chunks belong together when the eight bytes of their message ID are the same, so 0000000000000001
# and 0000000000000002 are two messages, whatever the order in which their datagrams arrive.
# Seen: one message, with the beginning of the second and the end of the first; the other two chunks are dropped
# without an error. The server takes the first six bytes for the ID, and of each the lower seven bits, so
# senders that count, or whose IDs begin with a time or with their own address, get in each other's way.
# Source: server.js, _handleChunk (toString('ascii', 2, 8)); Graylog, GELF via UDP, chunking: message ID, 8 bytes,
# must be the same for every chunk of this message.
# Output seen on 2026-11-30, Node.js 20 (host and text of what was received):
#   one after the other: alpha "disk full", beta "all is ok"
#   alternating: beta "disk full"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit graygelf@2.0.0
cat > run.js <<'JS'
const assert = require('assert'), dgram = require('dgram'), server = require('graygelf/server')();
const chunks = (id, host, text) => {
  const data = Buffer.from(JSON.stringify({ version: '1.1', host, short_message: text }));
  const cut = data.indexOf('short_message');
  return [data.subarray(0, cut), data.subarray(cut)].map((part, index) => {
    const head = Buffer.from([0x1e, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, index, 2]);
    head.writeBigUInt64BE(id, 2);
    return Buffer.concat([head, part]);
  });
};
let received = [];
server.on('message', message => received.push(`${message.host} "${message.short_message}"`));
server.on('error', error => received.push(`error ${error.message}`));
const client = dgram.createSocket('udp4');
const send = (port, data) => new Promise(done => client.send(data, port, '127.0.0.1', done));
// a lone message behind the others: datagrams on the loopback interface keep their order
const run = async (port, name, datagrams) => {
  received = [];
  for (const data of datagrams) await send(port, data);
  await send(port, Buffer.from('{"version":"1.1","host":"end","short_message":"end"}'));
  while (!received.includes('end "end"')) await new Promise(done => setTimeout(done, 10));
  const seen = received.slice(0, -1).join(', ');
  console.log(`${name}: ${seen}`);
  return seen;
};
const probe = dgram.createSocket('udp4').bind(0, '127.0.0.1', () => {
  const { port } = probe.address();
  probe.close(() => server.listen(port, '127.0.0.1')._udp.once('listening', async () => {
    const [a1, a2] = chunks(1n, 'alpha', 'disk full'), [b1, b2] = chunks(2n, 'beta', 'all is ok');
    const apart = await run(port, 'one after the other', [a1, a2, b1, b2]);
    const mixed = await run(port, 'alternating', [a1, b1, a2, b2]);
    assert.deepStrictEqual([apart, mixed], ['alpha "disk full", beta "all is ok"', 'beta "disk full"']);
    process.exit(0);
  }));
});
setTimeout(() => process.exit(1), 10000);
JS
node run.js 2>/dev/null
