#!/usr/bin/env bash
# bunyan-logstash-tcp 1.0.0 (npm): what is logged while it is not connected comes newest first.
#
# Expected: after the connection is made, the kept messages in the order in which they were logged.
# Seen: in reverse order, and of fifteen messages the ten newest (its ring buffer keeps ten unless
# cbuffer_size is set); the other five are gone without an error event.
# Source: the package's stream.js takes the messages off its ring buffer with pop().
# Output seen on 2026-11-29, Node.js 20:
#   m15 m14 m13 m12 m11 m10 m9 m8 m7 m6
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit bunyan@1.8.15 bunyan-logstash-tcp@1.0.0
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), bunyan = require('bunyan');
const logstash = require('bunyan-logstash-tcp');
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const port = probe.address().port;
  probe.close(() => {                              // a port where no receiver listens yet
    const stream = logstash.createStream({ host: '127.0.0.1', port, max_connect_retries: -1, retry_interval: 200 });
    stream.on('error', () => {});
    const log = bunyan.createLogger({ name: 'app', streams: [{ type: 'raw', level: 'info', stream }] });
    for (let i = 1; i <= 15; i++) log.info('m' + i);
    let data = '';
    net.createServer(client => client.on('data', part => {
      data += part;
      const order = [...data.matchAll(/"message":"(m\d+)"/g)].map(found => found[1]);
      if (order.length < 10) return;
      console.log(order.join(' '));
      assert.deepStrictEqual(order, ['m15', 'm14', 'm13', 'm12', 'm11', 'm10', 'm9', 'm8', 'm7', 'm6']);
      process.exit(0);
    })).listen(port, '127.0.0.1');
  });
});
setTimeout(() => process.exit(1), 15000);
JS
node run.js
