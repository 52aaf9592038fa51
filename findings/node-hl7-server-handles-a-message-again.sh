#!/usr/bin/env bash
# node-hl7-server 2.5.0 (npm): a message can be handled, and answered, twice.
#
# Expected: message 1 together with the head of message 2 in one packet, then the rest of message 2: two
# calls of the handler, as with any other cut of the same bytes.
# Seen: four calls and four answers: message 1, the head of message 2 as a message of its own, then message 1
# again, then message 2. The end of a frame anywhere in what has arrived is taken for the end of it all, and
# nothing of it is thrown away before the next packet.
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
