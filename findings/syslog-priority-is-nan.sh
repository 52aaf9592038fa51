#!/usr/bin/env bash
# syslog 0.1.1 (npm): the priority of every message is <NaN>.
#
# Expected: <14>, user.info, as its documented default facility and the method's name say.
# Seen: <NaN>: the code multiplies options.faculty, while the option is called facility. A receiver
# that parses the priority refuses the message or files it under its own default.
# Source: lib/syslog.js of the package; RFC 3164 section 4.1.1 (the PRI part holds one to three digits).
# Output seen on 2026-11-29, Node.js 20:
#   <NaN>
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit syslog@0.1.1
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), syslog = require('syslog');
const server = net.createServer(client => {
  let data = '';
  client.on('data', part => {
    data += part;
    if (!data.endsWith('\n')) return;
    console.log(data.slice(0, 5));
    assert(data.startsWith('<NaN>'), data);
    process.exit(0);
  });
}).listen(0, '127.0.0.1', () => {
  syslog.createClient(server.address().port, '127.0.0.1', { name: 'app' }).info('alpha');
});
setTimeout(() => process.exit(1), 10000);
JS
node run.js
