#!/usr/bin/env bash
# glossy 0.1.7 (npm): a message with priority 0, the gravest, is parsed without facility and severity.
#
# Expected: <0> is kern.emerg: facilityID 0, severityID 0, as <1> is kern.alert.
# Seen: prival is 0, but the fields facility, severity, facilityID and severityID are missing. A filter like
# severityID <= 3 lets the kernel's alerts through and drops its emergencies.
# Source: lib/glossy/parse.js tests the number 0 for truth; RFC 5424 section 6.2.1 (0 to 191).
# Output seen on 2026-11-29, Node.js 20:
#   <0> 0 undefined undefined undefined undefined
#   <1> 1 kern alert 0 1
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit glossy@0.1.7
cat > run.js <<'JS'
const assert = require('assert'), { Parse } = require('glossy');
const seen = [0, 1].map(priority => {
  let parsed;
  Parse.parse(`<${priority}>1 2026-11-29T06:00:00Z host kernel - - - alpha`, message => { parsed = message; });
  const fields = [parsed.prival, parsed.facility, parsed.severity, parsed.facilityID, parsed.severityID];
  console.log(`<${priority}>`, ...fields);
  return fields;
});
assert.deepStrictEqual(seen[0], [0, undefined, undefined, undefined, undefined]);
assert.deepStrictEqual(seen[1], [1, 'kern', 'alert', 0, 1]);
JS
node run.js
