#!/usr/bin/env bash
# hl7-standard 1.0.4 (npm): a message that it parses and builds again has other ends of segments.
#
# Expected: transform() and build() without a change between them give the message back, or one whose segments
# end with a carriage return, as HL7 2.x demands of every message.
# Seen: each segment gets one more separator at its end, CR LF stands between segments, and nothing ends the
# last. A receiver that cuts at CR finds a segment that is named line feed, P, I.
# Source: build() of the package's class; HL7 2.5, section 2.5.4, "segment terminator: always <cr>".
# Output seen on 2026-11-29, Node.js 20:
#   "MSH|^~\\&|A|B|C|D|20261129||ADT^A01|1|P|2.5\rPID|1||12345\r"
#   "MSH|^~\\&|A|B|C|D|20261129||ADT^A01|1|P|2.5|\r\nPID|1||12345|"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit hl7-standard@1.0.4
cat > run.js <<'JS'
const assert = require('assert'), HL7 = require('hl7-standard');
const sent = 'MSH|^~\\&|A|B|C|D|20261129||ADT^A01|1|P|2.5\rPID|1||12345\r';
const message = new HL7(sent);
message.transform();
const built = message.build();
console.log(JSON.stringify(sent));
console.log(JSON.stringify(built));
assert.strictEqual(built, 'MSH|^~\\&|A|B|C|D|20261129||ADT^A01|1|P|2.5|\r\nPID|1||12345|');
JS
node run.js
