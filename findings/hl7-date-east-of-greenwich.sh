#!/usr/bin/env bash
# hl7-date 1.0.1 (npm): east of Greenwich the zone of a time is +-100.
#
# Expected: stringify writes +0100 in Paris and +0530 in Kolkata, as -0800 in Los Angeles.
# Seen: +-100 and +-6-30: the offset is negative there, so its own sign follows the one that is put in front.
# HL7 has no such zone. The package's own parse takes the text for a time without one, so that another
# computer reads it in its own zone.
# Source: dist/hl7-date.js, stringify; its README: ZZZZ is in HHMM format; HL7 version 2.5, chapter 2A, DTM.
# Output seen on 2026-11-29, Node.js 20 (the last column: what parse makes of it in Los Angeles):
#   America/Los_Angeles 20261129123456-0800 2026-11-29T20:34:56.000Z
#   Europe/Paris 20261129123456+-100 2026-11-29T20:34:56.000Z
#   Asia/Kolkata 20261129123456+-6-30 2026-11-29T20:34:56.000Z
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit hl7-date@1.0.1
cat > write.js <<'JS'
console.log(require('hl7-date').stringify(new Date(2026, 10, 29, 12, 34, 56)));
JS
cat > read.js <<'JS'
console.log(require('hl7-date').parse(process.argv[2]).toISOString());
JS
for zone in America/Los_Angeles Europe/Paris Asia/Kolkata; do
    text=$(TZ=$zone node write.js)
    echo "$zone $text $(TZ=America/Los_Angeles node read.js "$text")"
done | tee seen
diff seen - <<'SEEN'
America/Los_Angeles 20261129123456-0800 2026-11-29T20:34:56.000Z
Europe/Paris 20261129123456+-100 2026-11-29T20:34:56.000Z
Asia/Kolkata 20261129123456+-6-30 2026-11-29T20:34:56.000Z
SEEN
