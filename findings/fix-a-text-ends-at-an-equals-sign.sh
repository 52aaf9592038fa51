#!/usr/bin/env bash
# fix 0.0.6 (npm): a value ends at its first equals sign.
#
# Expected: 58=price=101.25, not 100.75 is a Text of "price=101.25, not 100.75": the first equals sign ends the tag,
# and SOH ends the value.
# Seen: "price". An order's text, a password or a base64 value with its padding loses what follows, and the
# message itself, whose length and checksum are checked before, is right. Built again from the map it has
# another length and checksum, which are right as well.
# Source: convertToMap in fixutils.js splits at each equals sign and takes the second part; FIX 4.4, volume 1, "Data
# Types": a String can include any character or punctuation except the delimiter.
# Output seen on 2026-11-30, Node.js 20:
#   sent: 58=price=101.25, not 100.75
#   read: price
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit fix@0.0.6
cat > run.js <<'JS'
const assert = require('assert'), { convertToFIX, convertToMap } = require('fix/fixutils');
const text = 'price=101.25, not 100.75';
const message = convertToFIX({ 35: 'B', 58: text }, 'FIX.4.4', '20261130-10:15:00.000', 'BUYER', 'SELLER', '7');
const field = message.split('\x01').find(part => part.startsWith('58='));
const map = convertToMap(message);
console.log(`sent: ${field}`);
console.log(`read: ${map[58]}`);
assert.deepStrictEqual([field, map[35], map[58]], [`58=${text}`, 'B', 'price']);
JS
node run.js
