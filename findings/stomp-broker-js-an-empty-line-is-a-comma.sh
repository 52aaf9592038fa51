#!/usr/bin/env bash
# stomp-broker-js 1.3.0 (npm): an empty line in a message is a comma.
#
# Expected: a message of two paragraphs, "alpha", an empty line and "beta", reaches the subscriber as it was
# sent: the body begins behind the first empty line of the frame and ends with its NUL.
# Seen: alpha,beta, with a content-length of ten, which fits. The frame is cut at each empty line, and the
# pieces of the body are joined as JavaScript joins an array. So a mail, a Markdown text or a signed message is
# another one on the other side, and none of it is missing to a reader who counts.
# Source: parseFrame in lib/stomp-utils.js (split, slice and toString); STOMP 1.1, section "Augmented BNF": EOL,
# then *OCTET up to NULL.
# Output seen on 2026-11-30, Node.js 20:
#   sent "alpha\n\nbeta" received "alpha,beta" content-length 10
#   sent "alpha\nbeta" received "alpha\nbeta" content-length 10
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit stomp-broker-js@1.3.0
cat > run.js <<'JS'
const assert = require('assert'), http = require('http'), Broker = require('stomp-broker-js'), WebSocket = require('ws');
const server = http.createServer(), broker = new Broker({ server, path: '/stomp', protocol: 'ws' });
const texts = ['alpha\n\nbeta', 'alpha\nbeta'], seen = [];
// a frame of the broker: its headers as text, and its body
const parts = frame => [frame.slice(0, frame.indexOf('\n\n')), frame.slice(frame.indexOf('\n\n') + 2, frame.indexOf('\0'))];
const connect = (connected, received) => {
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}/stomp`);
  client.on('open', () => client.send('CONNECT\naccept-version:1.1\nhost:localhost\n\n\0'));
  client.on('message', data => {
    const frame = data.toString();
    if (frame.startsWith('CONNECTED')) connected(client);
    else received(...parts(frame));
  });
};
broker.on('subscribe', () => connect(client => {
  for (const text of texts) client.send(`SEND\ndestination:/queue\n\n${text}\0`);
}));
server.listen(0, '127.0.0.1', () => connect(client => client.send('SUBSCRIBE\nid:1\ndestination:/queue\n\n\0'), (head, body) => {
  const sent = texts[seen.length], length = head.match(/content-length:(\d+)/)[1];
  console.log(`sent ${JSON.stringify(sent)} received ${JSON.stringify(body)} content-length ${length}`);
  if (seen.push([body, length]) < texts.length) return;
  assert.deepStrictEqual(seen, [['alpha,beta', '10'], ['alpha\nbeta', '10']]);
  process.exit(0);
}));
setTimeout(() => process.exit(1), 10000);
JS
node run.js 2>/dev/null
