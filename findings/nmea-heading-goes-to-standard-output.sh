#!/usr/bin/env bash
# nmea 0.1.2 (npm): the parser prints each heading sentence on standard output.
#
# Expected: parse() returns an object and prints nothing; for HDM, a heading too, it does so.
# Seen: every HDG sentence is printed as well, as a JavaScript array. The output of a program that writes one
# JSON object a line into a pipe or a socket then has a line that is not JSON for each heading.
# Source: codecs/HDG.js has a console.log.
# Output seen on 2026-11-29, Node.js 20 (the first line is the package's):
#   [ '$IIHDG', '101.1', '', '', '7.1', 'W' ]
#   {"heading":101.1}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit nmea@0.1.2
cat > run.js <<'JS'
const body = process.argv[2];
const sum = [...body].reduce((all, char) => all ^ char.charCodeAt(0), 0);
const sentence = '$' + body + '*' + sum.toString(16).toUpperCase().padStart(2, '0');
console.log(JSON.stringify({ heading: require('nmea').parse(sentence).heading }));
JS
node run.js IIHDM,101.1,M > hdm
node run.js IIHDG,101.1,,,7.1,W > hdg
cat hdg
[ "$(wc -l < hdm)" = 1 ] && [ "$(wc -l < hdg)" = 2 ] && grep -qF "[ '\$IIHDG'" hdg
