#!/usr/bin/env bash
# @fiverr/statsd-client 1.1.2 (npm): over TCP, at the border of two packets two counters are one line.
#
# Expected: a hundred counters, with the protocol TCP, are a hundred lines for the server: StatsD's server splits
# what it gets at the line feeds, and a connection has no packets.
# Seen: 96 lines, and four of them hold two counters each. The lines of a packet are joined by line feeds, with none
# behind the last, which suits UDP; over TCP the next packet goes on in the same line.
# Source: lib/flush/index.js (join) and lib/send-tcp/index.js; StatsD, README and servers/tcp.js: each line is ended
# by a line feed.
# Output seen on 2026-11-30, Node.js 20:
#   96 lines; of two counters:
#   requests.of_customer_20:1|crequests.of_customer_21:1|c
#   requests.of_customer_40:1|crequests.of_customer_41:1|c
#   requests.of_customer_60:1|crequests.of_customer_61:1|c
#   requests.of_customer_80:1|crequests.of_customer_81:1|c
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit @fiverr/statsd-client@1.1.2
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), Client = require('@fiverr/statsd-client');
let received = '';
const server = net.createServer(socket => {
  socket.on('data', data => { received += data; }).on('error', () => {});
}).listen(0, '127.0.0.1', () => {
  const client = new Client({ host: '127.0.0.1', port: server.address().port, protocol: 'TCP', timeout: 200 });
  for (let i = 1; i <= 100; i++) client.count(`requests.of_customer_${i}`);
});
const end = setInterval(() => {
  if (!received.endsWith('customer_100:1|c')) return;
  clearInterval(end);
  const lines = received.split('\n'), two = lines.filter(line => line.split('|c').length > 2);
  console.log(`${lines.length} lines; of two counters:`);
  console.log(two.join('\n'));
  const glued = [20, 40, 60, 80].map(i => `requests.of_customer_${i}:1|crequests.of_customer_${i + 1}:1|c`);
  assert.deepStrictEqual([lines.length, two], [96, glued]);
  process.exit();
}, 50);
setTimeout(() => assert.fail(`after 20 s: ${received}`), 20000);
JS
node run.js
