#!/usr/bin/env bash
# gs1js 0.0.2 (npm): identifiers of three and four digits are read as their first two.
#
# Expected: (3103)001750(3112)002500 is a net weight of 1.750 kg and a length of 25.00 m, and (240)ABC the
# producer's own number ABC.
# Seen: the identifier of weight and length is "31", their values are 03001750 and 12002500, and by the lookup
# "31" finds the last one alone. (240)ABC is 0ABC under "24", which is no identifier. Those of two digits are
# right.
# Source: dist/Helpers/GS1Assets.js has the two digits by which a length is known, and takes them for the whole
# identifier, dist/Helpers/GS1Helpers.js takes two digits for the rest; GS1 General Specifications, the list of
# identifiers: 310n, with the place of the decimal point in n, 311n, 240.
# Output seen on 2026-11-29, Node.js 20:
#   01=99501101530006 31=03001750 31=12002500
#   31: 12002500, 3103: undefined
#   24=0ABC 10=L1
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit gs1js@0.0.2
cat > run.js <<'JS'
const assert = require('assert'), { GS1Reader } = require('gs1js');
const list = reader => reader.getApplicationIdentifiers().map(part => part.identifier + '=' + part.value).join(' ');
const goods = new GS1Reader('0199501101530006' + '3103001750' + '3112002500');
const find = name => (goods.getApplicationIdentifierById(name) || {}).value;
const part = new GS1Reader('240ABC\x1d' + '10L1');
console.log(list(goods));
console.log('31:', find('31') + ', 3103:', find('3103'));
console.log(list(part));
assert.deepStrictEqual(list(goods), '01=99501101530006 31=03001750 31=12002500');
assert.deepStrictEqual([find('31'), find('3103'), list(part)], ['12002500', undefined, '24=0ABC 10=L1']);
JS
node run.js
