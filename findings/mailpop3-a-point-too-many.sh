#!/usr/bin/env bash
# mailpop3 0.1.0 (npm): a line that begins with a point begins with two.
#
# Expected: a server doubles the point at the beginning of a line, so that the line "." ends the mail, and the
# client takes it away again: "..profile" on the wire is the line ".profile".
# Seen: "..profile", and a line of three points has four. A list of files, a patch or a part in base85 is another
# one, and the signature of the mail does not fit, while the size that LIST and STAT tell is right.
# Source: retr (and top) in main.js cuts the first and the last line off and leaves the rest; RFC 1939, section 3: if
# the termination octet is the first of the line and other octets follow, it is stripped away.
# Output seen on 2026-11-30, Node.js 20:
#   sent: "Subject: files\r\n\r\n..profile\r\nnotes\r\n....\r\n.\r\n"
#   read: "Subject: files\r\n\r\n..profile\r\nnotes\r\n...."
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit mailpop3@0.1.0
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), POP3Client = require('mailpop3');
const sent = 'Subject: files\r\n\r\n..profile\r\nnotes\r\n....\r\n.\r\n';
const server = net.createServer(socket => {
  socket.write('+OK ready\r\n');
  socket.on('data', data => socket.write(`+OK\r\n${data.toString().startsWith('RETR') ? sent : ''}`));
});
server.listen(0, '127.0.0.1', () => {
  const client = new POP3Client(server.address().port, '127.0.0.1', { enabletls: false });
  client.on('connect', () => client.login('alice', 'secret'));
  client.on('login', () => client.retr(1));
  client.on('retr', (status, number, text) => {
    console.log(`sent: ${JSON.stringify(sent)}`);
    console.log(`read: ${JSON.stringify(text)}`);
    assert.deepStrictEqual([status, text], [true, 'Subject: files\r\n\r\n..profile\r\nnotes\r\n....']);
    process.exit(0);
  });
});
setTimeout(() => process.exit(1), 10000);
JS
node --no-deprecation run.js
