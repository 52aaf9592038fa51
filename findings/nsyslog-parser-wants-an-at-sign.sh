#!/usr/bin/env bash
# nsyslog-parser 0.10.1 (npm): structured data whose name is registered with IANA ends up in the text.
#
# Expected: [timeQuality tzKnown="1" isSynced="0"], which util-linux' logger puts into its RFC 5424 messages
# unless told not to, is structured data, like [app@32473 key="1"].
# Seen: only names with an at sign are. Of the other the head "[timeQuality " disappears into the header,
# structuredData is empty, and the rest stands in front of the text.
# Source: parser.js of the package; RFC 5424 section 7 (timeQuality, origin and meta have no at sign).
# Output seen on 2026-11-29, Node.js 20:
#   app@32473   [{"$id":"app@32473","key":"1"}] "alpha"
#   timeQuality [] "tzKnown=\"1\" isSynced=\"0\"] alpha"
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit nsyslog-parser@0.10.1
cat > run.js <<'JS'
const assert = require('assert'), parse = require('nsyslog-parser');
const read = data => {
  const { structuredData, message } = parse(`<13>1 2026-11-28T22:14:23.003Z host app - - ${data} alpha`);
  console.log(data.match(/[^\[ ]+/)[0].padEnd(11), JSON.stringify(structuredData), JSON.stringify(message));
  return [structuredData.length, message];
};
assert.deepStrictEqual(read('[app@32473 key="1"]'), [1, 'alpha']);
assert.deepStrictEqual(read('[timeQuality tzKnown="1" isSynced="0"]'), [0, 'tzKnown="1" isSynced="0"] alpha']);
JS
node run.js
