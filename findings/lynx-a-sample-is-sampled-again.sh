#!/usr/bin/env bash
# lynx 0.2.0 (npm): lines that have been sampled are sampled again on their way through, and no longer well formed.
#
# Expected: hits:1|c|@0.1, one sample of ten, that is written into the client as its README shows, goes to the
# server as it is: a thousand lines stand for ten thousand hits.
# Seen: nine in ten are dropped, each with an error event, as if they were new ones to take samples of, and the
# rest are 1|c@0.1|@0.1. StatsD counts what it has no other type for, so the hits are a tenth of what they were,
# and a time that was sampled, 3|ms@0.5|@0.5, is a counter. Lines without a rate are right.
# Source: the listener of the parser's stat event in lib/lynx.js (adds the rate to the value, then passes it to
# send, which samples); the package's README, "Streams"; StatsD, docs/metric_types.md: |@ and the rate.
# Output seen on 2026-11-30, Node.js 20 (how many of a thousand arrive changes from run to run):
#   written hits:1|c|@0.1 a thousand times: only hits:1|c@0.1|@0.1 arrives, between 40 and 200 times: true
#   written wait:3|ms a thousand times: only wait:3|ms arrives, 1000 times: true
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit lynx@0.2.0
cat > run.js <<'JS'
const assert = require('assert'), dgram = require('dgram'), Lynx = require('lynx');
let counts = {};
const server = dgram.createSocket('udp4');
server.on('message', data => counts[data] = (counts[data] || 0) + 1);
const wait = () => new Promise(done => setImmediate(done));
// a thousand lines, then one that says that they are through: datagrams on the loopback interface keep their order
const run = async line => {
  counts = {};
  const client = new Lynx('127.0.0.1', server.address().port, { on_error() {} });
  for (let i = 0; i < 1000; i++) {
    client.write(`${line}\n`);
    await wait();
  }
  while (!counts['end:1|c']) {
    client.write('end:1|c\n');
    await wait();
  }
  delete counts['end:1|c'];
  return [Object.keys(counts).join(' '), Object.values(counts)[0]];
};
server.bind(0, '127.0.0.1', async () => {
  const [hit, hits] = await run('hits:1|c|@0.1');
  console.log(`written hits:1|c|@0.1 a thousand times: only ${hit} arrives, between 40 and 200 times: ${hits > 40 && hits < 200}`);
  const [time, times] = await run('wait:3|ms');
  console.log(`written wait:3|ms a thousand times: only ${time} arrives, 1000 times: ${times === 1000}`);
  assert(hit === 'hits:1|c@0.1|@0.1' && hits > 40 && hits < 200 && time === 'wait:3|ms' && times === 1000);
  process.exit(0);
});
setTimeout(() => process.exit(1), 20000);
JS
node run.js 2>/dev/null
