#!/usr/bin/env bash
# bark-js 1.2.1 (npm): of a production time without minutes, the next element becomes the minutes.
#
# Expected: (8008)26112912, the twelfth hour of 29 November 2026, then FNC1, (30)8, a count of eight, FNC1,
# and (10)LOT7: three elements.
# Seen: two. The time is "2026-11-29 12:", a separator, "3:08", and the count of eight is gone. With a longer
# element behind it, what is left of that is refused. With minutes and seconds, or at the end, a time is right.
# Source: dateTime in src/gs1/dataReaders.js takes twelve characters, whatever they are; GS1 General
# Specifications, AI (8008): N4+N8[+N..4], the element ends with FNC1 or after the seconds.
# Output seen on 2026-11-29, Node.js 20:
#   [["01","99501101530006"],["8008","2026-11-29 12:\u001d3:08"],["10","LOT7"]]
#   [["01","99501101530006"],["8008","2026-11-29 12:34:56"],["30","8"],["10","LOT7"]]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit bark-js@1.2.1
cat > run.js <<'JS'
const assert = require('assert'), bark = require('bark-js');
const seen = ['26112912', '261129123456'].map(time => {
  const elements = bark('0199501101530006' + '8008' + time + '\x1d308\x1d10LOT7').elements;
  const list = elements.map(element => [element.ai, element.value]);
  console.log(JSON.stringify(list));
  return list.slice(1);
});
assert.deepStrictEqual(seen, [
  [['8008', '2026-11-29 12:\x1d3:08'], ['10', 'LOT7']],
  [['8008', '2026-11-29 12:34:56'], ['30', '8'], ['10', 'LOT7']],
]);
JS
node run.js
