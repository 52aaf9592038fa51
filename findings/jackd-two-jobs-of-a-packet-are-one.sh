#!/usr/bin/env bash
# jackd 2.2.2 (npm): the job that comes behind another one in the same packet is a part of it.
#
# Expected: two calls of reserve get two jobs, "alpha" and "beta", whether TCP delivers the server's answers apart or
# together.
# Seen: apart they do. Together, the first job has all that the packet holds: its five bytes, the line of the second
# answer, and its bytes. The second call then takes the answer to the next command, here of delete, and fails.
# Source: processChunk in dist/index.js, which ends the job two bytes before the end of the data, not after the
# number of bytes that was announced; beanstalkd, doc/protocol.txt, reserve: RESERVED <id> <bytes>, then the data.
# Output seen on 2026-12-01, Node.js 20:
#   apart: alpha / beta
#   together: alpha\r\nRESERVED 2 4\r\nbeta / Unexpected response: DELETED
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit jackd@2.2.2
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), { once } = require('events'), Jackd = require('jackd');
const answers = ['RESERVED 1 5\r\nalpha\r\n', 'RESERVED 2 4\r\nbeta\r\n'];

async function reserveTwice(together) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new Jackd(), accepted = once(server, 'connection');
  await client.connect({ host: '127.0.0.1', port: server.address().port });
  const [socket] = await accepted;
  let commands = '';
  const received = count => new Promise(resolve => {
    const look = () => commands.split('\r\n').length > count && resolve();
    socket.on('data', look);
    look();
  });
  socket.on('data', data => { commands += data; });
  const [first, second] = [client.reserve(), client.reserve()];
  await received(2);
  socket.write(together ? answers.join('') : answers[0]);
  const { id, payload } = await first;
  if (together) {
    client.delete(id);
    await received(3);
    socket.write('DELETED\r\n');
  } else {
    socket.write(answers[1]);
  }
  const other = await second.then(job => job.payload.toString(), error => error.message);
  socket.destroy();
  server.close();
  return [payload.toString(), other];
}

(async () => {
  const seen = [await reserveTwice(false), await reserveTwice(true)];
  ['apart', 'together'].forEach((how, i) => console.log(`${how}: ${seen[i].join(' / ').replaceAll('\r\n', '\\r\\n')}`));
  assert.deepStrictEqual(seen, [
    ['alpha', 'beta'], ['alpha\r\nRESERVED 2 4\r\nbeta', 'Unexpected response: DELETED'],
  ]);
  process.exit(0);
})();
setTimeout(() => process.exit(1), 10000);
JS
node run.js
