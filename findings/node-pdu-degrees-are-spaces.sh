#!/usr/bin/env bash
# node-pdu 2.1.1 (npm): a degree sign is a space, and a grave accent is a paragraph sign.
#
# Expected: a text with a letter that the GSM alphabet lacks is sent in UCS-2, as one with a euro sign is: 20 °C
# stays 20 °C. § is in the alphabet, at 5F; the grave accent is not.
# Seen: only letters above À count, so °, ², ½, « and » are left to the GSM alphabet, where the package writes a
# space for what it does not find: 20  C. In its table of that alphabet a grave accent stands in the place of §, so
# § is a space as well, and `ls` arrives as §ls§.
# Source: checkData (above 192), encode7Bit and ALPHABET_7BIT of dist/cjs/index.cjs; 3GPP TS 23.038, section
# 6.2.1, the default alphabet: 0x5F is §.
# Output seen on 2026-11-30, Node.js 20 (the coding scheme, 00 for GSM and 08 for UCS-2, and the text read back by
# the alphabet of the standard):
#   20 °C: 00, 20  C
#   § 5: 00,   5
#   `ls`: 00, §ls§
#   20 €: 08, 20 €
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit node-pdu@2.1.1
cat > run.js <<'JS'
const assert = require('assert'), { Submit } = require('node-pdu');
// the part of the default alphabet that these texts need
const letter = code => (code === 0x5f ? '§' : String.fromCharCode(code));
const read = text => {
  const pdu = new Submit('+12025550123', text).toString();
  const scheme = pdu.slice(24, 26), bytes = Buffer.from(pdu.slice(28), 'hex');
  if (scheme === '08') return [scheme, bytes.swap16().toString('utf16le')];
  const bits = [...bytes].reverse().map(byte => byte.toString(2).padStart(8, '0')).join('');
  const codes = [];
  for (let end = bits.length; codes.length < parseInt(pdu.slice(26, 28), 16); end -= 7) codes.push(parseInt(bits.slice(end - 7, end), 2));
  return [scheme, codes.map(letter).join('')];
};
const seen = ['20 °C', '§ 5', '`ls`', '20 €'].map(text => {
  console.log(`${text}: ${read(text).join(', ')}`);
  return read(text);
});
assert.deepStrictEqual(seen, [['00', '20  C'], ['00', '  5'], ['00', '§ls§'], ['08', '20 €']]);
JS
node run.js
