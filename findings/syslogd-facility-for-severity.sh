#!/usr/bin/env bash
# syslogd 1.1.2 (npm): facility and severity have changed places.
#
# Expected: <14> is facility 1 (user) and severity 6 (informational), <3> facility 0 and severity 3 (error).
# Seen: <14> has facility 6 and severity 1, which is an alert; <3>, an error of the kernel, has facility 1
# and severity NaN (null in JSON). Whatever filters by severity keeps the wrong messages.
# Source: index.js calls the last three bits the facility and those before them the severity; RFC 3164
# section 4.1.1: the facility times eight, plus the severity.
# Output seen on 2026-11-29, Node.js 20:
#   <14> facility 6 severity 1
#   <3> facility 1 severity null
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit syslogd@1.1.2
cat > run.js <<'JS'
const assert = require('assert'), { parser } = require('syslogd');
const seen = [14, 3].map(priority => {
  const parsed = JSON.parse(JSON.stringify(parser(`<${priority}>Nov 29 06:00:00 host app[1]: alpha`, {})));
  console.log(`<${priority}> facility`, parsed.facility, 'severity', parsed.severity);
  return [parsed.facility, parsed.severity];
});
assert.deepStrictEqual(seen, [[6, 1], [1, null]]);
JS
node run.js
