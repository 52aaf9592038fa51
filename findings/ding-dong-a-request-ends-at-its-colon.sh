#!/usr/bin/env bash
# ding-dong 0.1.7 (npm): the address by which Asterisk called the server is "agi".
#
# Expected: Asterisk begins each call with lines "name: value", and agi_request is the whole address of the dial
# plan, agi://192.0.2.1:4573/menu?lang=en, with the script's parameters.
# Seen: each value ends at its first colon. Of the address the scheme is left, so that the calls of two entries of the
# dial plan look alike, and the caller "Desk: 4" is "Desk".
# Source: readVariables in lib/context.js (the second part of line.split(':')); Asterisk, application AGI, "FastAGI"
# (the form of the address), and setup_env in res/res_agi.c, which writes the lines.
# Output seen on 2026-12-01, Node.js 20:
#   agi_request = agi
#   agi_channel = SIP/desk-00000001
#   agi_calleridname = Desk
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit ding-dong@0.1.7
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), AgiServer = require('ding-dong');
const call = [
  'agi_request: agi://192.0.2.1:4573/menu?lang=en', 'agi_channel: SIP/desk-00000001', 'agi_calleridname: Desk: 4',
];
const names = call.map(line => line.split(': ')[0]);
const server = new AgiServer(async context => {
  const variables = await context.onEvent('variables');
  for (const name of names) console.log(name, '=', variables[name]);
  assert.deepStrictEqual(names.map(name => variables[name]), ['agi', 'SIP/desk-00000001', 'Desk']);
  process.exit(0);
}).start(0, '127.0.0.1');
server.on('listening', () => net.connect(server.address().port, '127.0.0.1').write(call.join('\n') + '\n\n'));
setTimeout(() => process.exit(1), 10000);
JS
node run.js
