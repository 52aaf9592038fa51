#!/usr/bin/env bash
# nodehl7 2.0.0 (npm): an escaped | is read as ^, and an escaped ^ as |.
#
# Expected: \F\ is the field separator and \S\ the component separator, which the message itself declares.
# Seen: the other way round; the other escapes are right. A result of "a|b" becomes "a^b", without an error.
# Source: dist/hl7.js, equivalences: \F\ is given subComposite, which is the second character of MSH-1 and
# MSH-2; HL7 version 2, chapter 2, on escape sequences that support delimiters.
# Output seen on 2026-11-29, Node.js 20:
#   \F\ | -> ^
#   \S\ ^ -> |
#   \R\ ~ -> ~
#   \T\ & -> &
#   \E\ \ -> \
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit nodehl7@2.0.0
cat > run.js <<'JS'
const assert = require('assert'), loaded = require('nodehl7'), Parser = loaded.default || loaded;
(async () => {
  const seen = [];
  for (const [letter, meant] of [['F', '|'], ['S', '^'], ['R', '~'], ['T', '&'], ['E', '\\']]) {
    const text = 'MSH|^~\\&|A|B|C|D|20261128120000||ORU^R01|1|P|2.5\rOBX|1|ST|X||\\' + letter + '\\\r';
    const message = await new Parser().parse(text, 'one');
    seen.push(message.get('OBX', 'Observation Value'));
    console.log('\\' + letter + '\\', meant, '->', seen[seen.length - 1]);
  }
  assert.deepStrictEqual(seen, ['^', '|', '~', '&', '\\']);
})();
JS
node run.js
