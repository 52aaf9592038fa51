#!/usr/bin/env bash
# simple-hl7 3.3.0 (npm): of two messages that arrive in one packet the server handles the first alone.
#
# Expected: two frames are two messages, whether TCP delivers them apart or together.
# Seen: sent at once, the handler sees the first message and one answer is sent. The segments of the second
# hang behind the first one's as if they were its own, start of frame included, so the sender of the second
# waits for an answer in vain. Sent apart, both are handled.
# Source: lib/server/tcp-server.js (looks at the end of what has arrived, never for a frame within it).
# Output seen on 2026-11-29, Node.js 20:
#   together: handled 1 answers 1
#   apart: handled 1 2 answers 2
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit simple-hl7@3.3.0
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), hl7 = require('simple-hl7');
const message = id => `\x0bMSH|^~\\&|A|B|C|D|20261128120000||ADT^A01|${id}|P|2.5\rPID|||1||ALPHA^BETA\r\x1c\r`;
const wait = time => new Promise(done => setTimeout(done, time));
let handled = [];
const app = hl7.tcp();
app.use((request, response, next) => { handled.push(request.msg.header.getField(8).toString()); next(); });
app.use((request, response) => response.end());
const send = async (port, name, packets) => {
  handled = [];
  let answers = '';
  const client = net.connect(port, '127.0.0.1').on('data', part => answers += part);
  for (const packet of packets) {
    const before = answers;
    client.write(packet);
    for (let i = 0; i < 100 && answers === before; i++) await wait(50);
    await wait(500);
  }
  client.destroy();
  const count = answers.split('MSA|').length - 1;
  console.log(`${name}: handled ${handled.join(' ')} answers ${count}`);
  return [handled.join(' '), count];
};
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const port = probe.address().port;
  probe.close(async () => {
    app.start(port);
    await wait(300);
    const together = await send(port, 'together', [message(1) + message(2)]);
    const apart = await send(port, 'apart', [message(1), message(2)]);
    assert.deepStrictEqual([together, apart], [['1', 1], ['1 2', 2]]);
    process.exit(0);
  });
});
setTimeout(() => process.exit(1), 20000);
JS
node run.js
