#!/usr/bin/env bash
# tiny-hl7 1.0.7 (npm): behind a field with components, text is written without escapes.
#
# Expected: a parsed message that is serialized again has 4 \F\ 5 (the text "4 | 5") in its fifth field, as it
# came.
# Seen: 4 | 5, when a field before it has components (GLU^Glucose), so the text is cut in two and each field
# behind it moves by one: the unit becomes the reference range. Without a component before it, it is right.
# Source: join in serializeSegment of dist/hl7.js (once an entry had children, none behind it is escaped); HL7
# 2.5, chapter 2, on escape sequences in text: \F\ is the field separator within text.
# Output seen on 2026-11-29, Node.js 20:
#   OBX|1|ST|GLU^Glucose||4 \F\ 5|mmol/l -> OBX|1|ST|GLU^Glucose||4 | 5|mmol/l
#   OBX|1|ST|GLU||4 \F\ 5|mmol/l -> OBX|1|ST|GLU||4 \F\ 5|mmol/l
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit tiny-hl7@1.0.7
cat > run.js <<'JS'
const assert = require('assert'), { parse, serialize } = require('tiny-hl7');
const seen = ['OBX|1|ST|GLU^Glucose||4 \\F\\ 5|mmol/l', 'OBX|1|ST|GLU||4 \\F\\ 5|mmol/l'].map(segment => {
  const message = 'MSH|^~\\&|A|B|C|D|20261129120000||ORU^R01|1|P|2.5\r' + segment;
  const again = serialize(parse(message)).split('\r')[1];
  console.log(segment, '->', again);
  return again;
});
assert.deepStrictEqual(seen, ['OBX|1|ST|GLU^Glucose||4 | 5|mmol/l', 'OBX|1|ST|GLU||4 \\F\\ 5|mmol/l']);
JS
node run.js
