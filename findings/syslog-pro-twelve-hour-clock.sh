#!/usr/bin/env bash
# syslog-pro 1.0.0 (npm): time stamps use the twelve-hour clock, with nothing that says a.m. or p.m.
#
# Expected: 15:04:05 at three in the afternoon, as RFC 3164 (24-hour hh:mm:ss) and RFC 5424
# (time-hour = 00-23) say; the text of an RFC 5424 message in UTF-8 begins with the bytes EF BB BF or none.
# Seen: 03:04:05 in both formats, and the three letters BOM in front of every RFC 5424 text.
# Source: index.js of the package formats with moment's hh, which counts from 01 to 12.
# Output seen on 2026-11-29, Node.js 20:
#   local hour: 15
#   hour in RFC 3164 and RFC 5424 messages: 03 03
#   the 5424 text begins with the letters BOM: true
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit syslog-pro@1.0.0
cat > run.js <<'JS'
const hour = new Date().getUTCHours();
process.env.TZ = `HERE${hour - 15}`;              // POSIX: local time = UTC - offset, so it is 15 o'clock
const assert = require('assert'), net = require('net');
const { Syslog, RFC3164, RFC5424 } = require('syslog-pro');
const seen = [];
const server = net.createServer(client => {
  let data = '';
  client.on('data', part => { data += part; if (data.endsWith('\n')) { seen.push(data); client.end(); } });
}).listen(0, '127.0.0.1', async () => {
  const target = new Syslog({ target: '127.0.0.1', port: server.address().port, protocol: 'tcp' });
  await new RFC3164({ applicationName: 'app', server: target }).log('alpha');
  await new RFC5424({ applicationName: 'app', server: target }).log('alpha');
  console.log('local hour:', new Date().getHours());
  const hours = seen.map(text => text.match(/(\d\d):\d\d:\d\d/)[1]);
  console.log('hour in RFC 3164 and RFC 5424 messages:', hours.join(' '));
  console.log('the 5424 text begins with the letters BOM:', seen[1].includes(' - BOMalpha'));
  assert.strictEqual(new Date().getHours(), 15);
  assert.deepStrictEqual(hours, ['03', '03']);
  assert(seen[1].includes(' - BOMalpha'));
  process.exit(0);
});
setTimeout(() => process.exit(1), 10000);
JS
node run.js
