#!/usr/bin/env bash
# hat-syslog 0.7.28 (PyPI): a time of Paris is a minute off, one of Kolkata 25, and one without a fraction is refused.
#
# Expected: 13:00:00.5+01:00, 17:30:00.5+05:30 and 08:30:00.5-03:30 are 12:00:00.5Z, and 12:00:00Z, half a second
# before, is a time as well.
# Seen: 11:59, 12:25 and 11:27: for the minutes of the zone its hours are taken a second time. Of two machines that
# log the same event the one that writes Z is right, so that the order is wrong. 12:00:00Z is an error, since nothing
# is no number of microseconds.
# Source: _parse_timestamp in hat/syslog/encoder.py (minutes=int(match['tz_hour'])); RFC 5424, section 6.2.3:
# TIME-NUMOFFSET = ("+" / "-") TIME-HOUR ":" TIME-MINUTE, and TIME-SECFRAC is optional.
# Output seen on 2026-11-30, Python 3.11:
#   12:00:00.5Z: 12:00:00 UTC
#   13:00:00.5+01:00: 11:59:00 UTC
#   17:30:00.5+05:30: 12:25:00 UTC
#   08:30:00.5-03:30: 11:27:00 UTC
#   12:00:00Z: refused
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install hat-syslog==0.7.28
env/bin/python - <<'PY'
from datetime import datetime, timezone
from hat.syslog import encoder

seen = []
for text in ("12:00:00.5Z", "13:00:00.5+01:00", "17:30:00.5+05:30", "08:30:00.5-03:30", "12:00:00Z"):
    try:
        message = encoder.msg_from_str(f"<14>1 2026-11-30T{text} host app - - - done")
        time = datetime.fromtimestamp(message.timestamp, timezone.utc).strftime("%H:%M:%S UTC")
    except TypeError:
        time = "refused"
    print(f"{text}: {time}")
    seen.append(time)
assert seen == ["12:00:00 UTC", "11:59:00 UTC", "12:25:00 UTC", "11:27:00 UTC", "refused"], seen
PY
