#!/usr/bin/env bash
# imap-parser 0.0.3 (npm): of the user o'brien the name is "o", and the rest is one word with the password.
#
# Expected: an apostrophe is a character like a letter, so LOGIN o'brien secret has two arguments, and CREATE
# Rock'n'Roll has one.
# Seen: it is taken for a quotation mark. What is behind it is a new argument, up to the next apostrophe or to the end
# of the line, with the spaces in it: LOGIN has two arguments, and both are wrong; CREATE has three.
# Source: _transform in index.js, which handles ' like "; RFC 3501, section 9: only DQUOTE opens a quoted string, and
# ' is not one of the atom-specials.
# Output seen on 2026-12-01, Node.js 20:
#   A1 LOGIN obrien secret -> A1, LOGIN, obrien, secret
#   A2 LOGIN o'brien secret -> A2, LOGIN, o, brien secret
#   A3 CREATE Rock'n'Roll -> A3, CREATE, Rock, n, Roll
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit imap-parser@0.0.3
cat > run.js <<'JS'
const assert = require('assert'), Parser = require('imap-parser');
const lines = ['A1 LOGIN obrien secret', "A2 LOGIN o'brien secret", "A3 CREATE Rock'n'Roll"];
const parser = new Parser(), seen = [];
parser.on('data', words => {
  console.log(lines[seen.length], '->', words.join(', '));
  seen.push(words);
});
parser.on('end', () => assert.deepStrictEqual(seen, [
  ['A1', 'LOGIN', 'obrien', 'secret'], ['A2', 'LOGIN', 'o', 'brien secret'], ['A3', 'CREATE', 'Rock', 'n', 'Roll'],
]));
parser.end(lines.join('\r\n') + '\r\n');
JS
node run.js
