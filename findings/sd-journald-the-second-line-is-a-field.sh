#!/usr/bin/env bash
# sd-journald 0.3.3 (npm): the second line of a message is the name of a field.
#
# Expected: a message of two lines goes to the journal in the form for values with a line feed: MESSAGE, a line feed,
# the length in eight bytes and the text. That is what the package does for every other field.
# Seen: MESSAGE=alpha, a line feed, and beta on a line of its own. A journal that reads "beta" without an equals
# sign takes it for the name of such a field, and the next eight bytes, which are SYSLOG_I, for a length of
# some quintillions. So of a stack trace the first line is left at most, and the fields behind it are lost.
# Source: createBuffer in dist/internal/internal.js; systemd, "Native Journal Protocol": a value with a line feed
# must be serialized with its size.
# Output seen on 2026-11-30, Node.js 20:
#   message: "PRIORITY=6\nMESSAGE=alpha\nbeta\nSYSLOG_IDENTIFIER=demo\n"
#   field: "PRIORITY=6\nMESSAGE=alpha\nDETAIL\n\b\u0000\u0000\u0000\u0000\u0000\u0000\u0000one\ntwo.\n"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit --ignore-scripts sd-journald@0.3.3
cat > run.js <<'JS'
const assert = require('assert'), { createBuffer } = require('sd-journald/dist/internal/internal.js');
const seen = [
  ['message', createBuffer(6, 'alpha\nbeta', [['SYSLOG_IDENTIFIER', 'demo']])],
  ['field', createBuffer(6, 'alpha', [['DETAIL', 'one\ntwo.']])],
].map(([name, buffer]) => {
  console.log(`${name}: ${JSON.stringify(buffer.toString('latin1'))}`);
  return buffer.toString('latin1');
});
assert.deepStrictEqual(seen, [
  'PRIORITY=6\nMESSAGE=alpha\nbeta\nSYSLOG_IDENTIFIER=demo\n',
  'PRIORITY=6\nMESSAGE=alpha\nDETAIL\n\b\0\0\0\0\0\0\0one\ntwo.\n',
]);
JS
node run.js
