#!/usr/bin/env bash
# metar-taf-parser 9.1.3 (npm): a wind of 110 knots is one of 11.
#
# Expected: 270110G140KT, from a mountain in winter or a hurricane, is 110 knots with gusts of 140. P99KT is
# more than 99, and KMH is kilometres an hour.
# Seen: 11 knots and no gusts: the speed is taken from two digits, and what follows is not looked at. So is the
# unit, and 24030KMH is 30 knots. P99KT is no wind at all. Gusts may have three digits: 95 with 110 is right.
# Source: WindCommand in metar-taf-parser.js; FMH-1, wind group dddff(f)Gfmfm(fm)KT: the third digit is
# that of the hundreds; WMO No. 306, FM 15: P99, and units KT, MPS and (in editions that have it) KMH.
# Output seen on 2026-11-29, Node.js 20:
#   270110G140KT {"speed":11,"unit":"KT"}
#   27095G110KT {"speed":95,"gust":110,"unit":"KT"}
#   270P99KT {}
#   24030KMH {"speed":30,"unit":"KT"}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit metar-taf-parser@9.1.3
cat > run.mjs <<'JS'
import assert from 'assert';
import { parseMetar } from 'metar-taf-parser';
const seen = ['270110G140KT', '27095G110KT', '270P99KT', '24030KMH'].map(group => {
  const { speed, gust, unit } = parseMetar(`KMWN 290650Z ${group} 10SM FEW012 M05/M08 A2992`).wind || {};
  console.log(group, JSON.stringify({ speed, gust, unit }));
  return [speed, gust, unit];
});
assert.deepStrictEqual(seen, [
  [11, undefined, 'KT'], [95, 110, 'KT'], [undefined, undefined, undefined], [30, undefined, 'KT'],
]);
JS
node run.mjs
