#!/usr/bin/env bash
# epc-tds 1.4.1 (npm): of two items with the serials 32.1 and 32.2 both are 32.
#
# Expected: urn:epc:tag:sgtin-198:3.0614141.712345.32.1, a tag's name from a reader of RFID, has the serial
# "32.1": a serial of SGTIN-198 may have points, colons and more. What has a meaning in a URI is written with
# a percent sign, such as %2F for a slash.
# Seen: "32". What follows the point, or a colon, is lost without an error, so the hexadecimal name of the two
# items is the same, and the second is counted as the first. "32a%2Fb" keeps its percent sign instead of a slash.
# Source: fromTagURI in dist/epc/sgtin/sgtin198.js splits at each colon and point; GS1 EPC Tag Data Standard,
# "SGTIN-198", GS3A3Char: a digit, a letter, one of ! ' ( ) * + , - . : ; = _ or an escape.
# Output seen on 2026-11-30, Node.js 20:
#   32.1: 32
#   32.2: 32
#   32:1: 32
#   32a%2Fb: 32a%2Fb
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit epc-tds@1.4.1
cat > run.js <<'JS'
const assert = require('assert'), epc = require('epc-tds');
const read = serial => epc.fromTagURI(`urn:epc:tag:sgtin-198:3.0614141.712345.${serial}`);
const serials = ['32.1', '32.2', '32:1', '32a%2Fb'];
for (const serial of serials) console.log(`${serial}: ${read(serial).getSerial()}`);
assert.deepStrictEqual(serials.map(serial => read(serial).getSerial()), ['32', '32', '32', '32a%2Fb']);
assert.strictEqual(read('32.1').toHexString(), read('32.2').toHexString());
JS
node run.js
