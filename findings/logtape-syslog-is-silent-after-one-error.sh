#!/usr/bin/env bash
# @logtape/syslog 1.3.10 (npm): after one interruption no message is sent any more.
#
# Expected: over TCP, when the server was started again, the next message, or the one behind it, makes a new
# connection: the README has "Automatic connection handling", and a comment in the source says so of the next
# message.
# Seen: of the messages behind the interruption none arrives, however long the program runs. Each waits for the one
# before it, and what waits for a message that failed fails with it. Each is a rejection that nobody handles, for
# which Node.js ends the program, unless it has a handler of its own, as here.
# Source: getSyslogSink in packages/syslog/src/syslog.ts (lastPromise = lastPromise.then(…).catch(… throw)); Node.js,
# process, unhandledRejection.
# Output seen on 2026-11-30, Node.js 20:
#   arrived: one - rejections: 4
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit \
    @logtape/logtape@1.3.10 @logtape/syslog@1.3.10
cat > run.mjs <<'JS'
import assert from 'assert';
import net from 'net';
import { configure, getLogger } from '@logtape/logtape';
import { getSyslogSink } from '@logtape/syslog';

const arrived = [], clients = new Set();
const server = net.createServer(client => {
  clients.add(client);
  client.on('data', data => {
    const lines = data.toString().split('\n').filter(line => line);
    arrived.push(...lines.map(line => line.split(' ').pop()));
  });
});
const listen = port => new Promise(done => server.listen(port, '127.0.0.1', done));
const pause = () => new Promise(done => setTimeout(done, 300));
let rejections = 0;
process.on('unhandledRejection', () => { rejections += 1; });

await listen(0);
const { port } = server.address();
await configure({
  sinks: { syslog: getSyslogSink({ hostname: '127.0.0.1', port, protocol: 'tcp' }) },
  loggers: [{ category: 'app', sinks: ['syslog'], lowestLevel: 'info' },
            { category: ['logtape', 'meta'], sinks: [], lowestLevel: 'error' }],
});
const logger = getLogger('app');
logger.info('one');
await pause();
const closed = new Promise(done => server.close(done));
clients.forEach(client => client.destroy());
await closed;
await listen(port);
for (const text of ['two', 'three', 'four', 'five', 'six']) {
  logger.info(text);
  await pause();
}
console.log('arrived:', arrived.join(' '), '- rejections:', rejections);
assert.deepStrictEqual([arrived, rejections], [['one'], 4]);
process.exit();
JS
node --no-warnings run.mjs
