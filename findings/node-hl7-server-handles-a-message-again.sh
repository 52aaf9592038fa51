#!/usr/bin/env bash
# node-hl7-server 2.5.0 (npm): a message can be handled, and answered, twice.
#
# Expected: message 1 together with the head of message 2 in one packet, then the rest of message 2: two
# calls of the handler, as with any other cut of the same bytes.
# Seen: four calls: message 1, an empty one, message 1 again, message 2; and four answers. The first packet
# is handled as it is, and kept to be put together with the second one as well.
# Source: the package's server/inbound.js, the listener of the socket's data event.
# Output seen on 2026-11-29, Node.js 20:
#   handled: ["1","","1","2"] answers: 4
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit node-hl7-server@2.5.0
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), { Server } = require('node-hl7-server');
const header = id => `MSH|^~\\&|A|B|C|D|20261128120000||ADT^A01^ADT_A01|${id}|P|2.5`;
const message = id => `\x0b${header(id)}\rPID|||1||ALPHA^BETA\r\x1c\r`;
const handled = [];
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const port = probe.address().port;
  probe.close(() => {
    const inbound = new Server({ bindAddress: '127.0.0.1' }).createInbound({ port }, async (request, response) => {
      handled.push(request.getMessage().get('MSH.10').toString());
      await response.sendResponse('AA');
    });
    inbound.on('error', () => {});
    inbound.on('listen', () => {
      let answers = '', rest = message(2).slice(30);
      const client = net.connect(port, '127.0.0.1', () => client.write(message(1) + message(2).slice(0, 30)));
      client.on('data', part => {
        answers += part;
        if (rest) setTimeout(end => client.write(end), 500, rest);
        rest = '';
        const count = answers.split('MSA|').length - 1;
        if (count < 4) return;
        console.log('handled:', JSON.stringify(handled), 'answers:', count);
        assert.deepStrictEqual([handled, count], [['1', '', '1', '2'], 4]);
        process.exit(0);
      });
    });
  });
});
setTimeout(() => process.exit(1), 15000);
JS
node run.js
