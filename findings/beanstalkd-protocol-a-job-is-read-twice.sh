#!/usr/bin/env bash
# beanstalkd-protocol 1.0.1 (npm): the text of a job is read again, as an answer of the server.
#
# Expected: of RESERVED 7 5, a job's five bytes and USING mail, which arrive together, parseReply gives the job
# and what is left, USING mail, which the next call reads.
# Seen: what is left begins with the job's bytes, so that an answer "alpha" comes between the two, and each answer
# behind it goes to the wrong command. When nothing follows the job, it is right.
# Source: parse in lib/index.js (slice(remainder + 2), a text that is no number, so slice(0)); beanstalkd's
# doc/protocol.txt: RESERVED <id> <bytes>\r\n<data>\r\n, and answers come in the order of the commands.
# Output seen on 2026-11-30, Node.js 20:
#   alone: RESERVED
#   USING behind it: RESERVED, alpha (unknown), USING
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit beanstalkd-protocol@1.0.1
cat > run.js <<'JS'
const assert = require('assert'), { default: Protocol } = require('beanstalkd-protocol');
const replies = text => {
  const protocol = new Protocol(), found = [];
  for (let rest = Buffer.from(text), reply; rest && found.length < 9;) {
    [rest, reply] = protocol.parseReply(rest);
    if (!reply) break;
    found.push(reply.reply + (reply.unknown ? ' (unknown)' : ''));
  }
  return found.join(', ');
};
const seen = [
  ['alone', 'RESERVED 7 5\r\nalpha\r\n'],
  ['USING behind it', 'RESERVED 7 5\r\nalpha\r\nUSING mail\r\n'],
].map(([name, text]) => {
  console.log(`${name}: ${replies(text)}`);
  return replies(text);
});
assert.deepStrictEqual(seen, ['RESERVED', 'RESERVED, alpha (unknown), USING']);
JS
node run.js
