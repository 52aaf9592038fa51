#!/usr/bin/env bash
# mt940-js 1.0.0 (npm): a payment that the bank takes back is a second payment.
#
# Expected: the mark RD is a reversal of a debit, so money comes in, and isCredit is true; RC is a reversal of a
# credit, and isCredit is false. The opening balance and the entries are then the closing balance.
# Seen: the other way round. Of 1000 euros, with a payment of 100 and its return, 800 are left, where the statement
# says 1000. Nothing else in the transaction tells an RD from a D.
# Source: transaction-info.js in lib/tags takes C as either of the two letters for a credit; SWIFT MT 940, field 61,
# subfield 3: RC, Reversal of Credit (debit entry); RD, Reversal of Debit (credit entry). tslib is installed beside
# it, since the package needs it and does not name it.
# Output seen on 2026-11-30, Node.js 20:
#   D 100: isCredit false
#   RD 100: isCredit false
#   C 25: isCredit true
#   RC 25: isCredit true
#   closing balance 1000, by the entries 850
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit mt940-js@1.0.0 tslib@2.8.1
cat > run.js <<'JS'
const assert = require('assert'), mt940 = require('mt940-js');
const entries = [['D', '100'], ['RD', '100'], ['C', '25'], ['RC', '25']];
const lines = entries.map(([mark, amount]) => `:61:2611301130${mark}${amount},00NTRFNONREF`);
const text = [':20:STARTUMS', ':25:12345678/0000123456', ':28C:5/1', ':60F:C261130EUR1000,00', ...lines,
  ':62F:C261130EUR1000,00', '-'].join('\r\n');
process.exitCode = 1;  // until the statement has been read
mt940.read(Buffer.from(text)).then(([statement]) => {
  const credits = statement.transactions.map(transaction => transaction.isCredit);
  entries.forEach(([mark, amount], index) => console.log(`${mark} ${amount}: isCredit ${credits[index]}`));
  const sum = statement.transactions.reduce(
    (total, { isCredit, amount }) => total + (isCredit ? amount : -amount), statement.openingBalance.value);
  console.log(`closing balance ${statement.closingBalance.value}, by the entries ${sum}`);
  assert.deepStrictEqual(credits, [false, false, true, true]);
  assert.deepStrictEqual([statement.closingBalance.value, sum], [1000, 850]);
  process.exitCode = 0;
});
JS
node run.js
