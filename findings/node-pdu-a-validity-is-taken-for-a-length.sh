#!/usr/bin/env bash
# node-pdu 2.1.1 (npm): a message that is to expire has 167 letters, and one of five weeks expires after nine.
#
# Expected: "hello" with a validity of a day begins with 11, a submission with a relative validity, and has A7, a
# day, before 05, its five letters. Five weeks are C5.
# Seen: 01, a submission without a validity, and A7 all the same, which a modem takes for the length: 167
# letters of another text. From the second call of toString() on it is 11, since the first sets the bit after
# the octet is written. From five weeks on the days are counted where weeks should be: 35 days are C9, nine
# weeks. Read back, C5 is one week, and A7 is twelve and a half days.
# Source: Submit.getStart (type before validityPeriod) and VP in dist/cjs/index.cjs; 3GPP TS 23.040, section
# 9.2.3.3 (TP-VPF) and 9.2.3.12.1: 144 to 167 are 12 hours + (TP-VP - 143) * 30 minutes, 168 to 196 are
# TP-VP - 166 days, 197 to 255 are TP-VP - 192 weeks.
# Output seen on 2026-11-30, Node.js 20:
#   a day: first 0001..A705, then 0011..A705
#   35 days: C9
#   A7 is read as 12.5 days, C5 as 7
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit node-pdu@2.1.1
cat > run.js <<'JS'
const assert = require('assert'), { Submit, parse } = require('node-pdu');
const day = 24 * 60 * 60;
const message = days => {
  const submit = new Submit('+12025550123', 'hello');
  submit.setValidityPeriod(days * day);
  return [submit.toString(), submit.toString()];
};
// length of the service centre's number and first octet; validity and length of the text
const parts = text => [text.slice(0, 4), text.slice(26, 30)];
const [first, second] = message(1).map(parts), weeks = parts(message(35)[1])[1].slice(0, 2);
const read = code => parse(message(1)[1].replace('A705', `${code}05`)).validityPeriod.interval / day;
console.log(`a day: first ${first.join('..')}, then ${second.join('..')}`);
console.log(`35 days: ${weeks}`);
console.log(`A7 is read as ${read('A7')} days, C5 as ${read('C5')}`);
assert.deepStrictEqual([first, second, weeks], [['0001', 'A705'], ['0011', 'A705'], 'C9']);
assert.deepStrictEqual([read('A7'), read('C5')], [12.5, 7]);
JS
node run.js
