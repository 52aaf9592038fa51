#!/usr/bin/env bash
# adif-io 0.6.1 (PyPI): a contact that begins and ends in the same minute ends a day later.
#
# Expected: TIME_ON 1200 and TIME_OFF 1200, a short contact in a log without seconds, end on the day on which
# they began; so do 120015 and 120015. QSO_DATE_OFF is optional.
# Seen: time_off() is 24 hours after time_on(). The end must be *later* than the beginning, else it is taken for
# one after midnight. 1200 and 1201 are right, and so are 2359 and 0001.
# Source: time_off in adif_io; ADIF 3.1.5, QSO Fields and data type Time: TIME_OFF is HHMMSS or
# HHMM.
# Output seen on 2026-11-29, Python 3.11:
#   1200 to 1200: 1 day, 0:00:00
#   120015 to 120015: 1 day, 0:00:00
#   1200 to 1201: 0:01:00
#   2359 to 0001: 0:02:00
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install adif-io==0.6.1
env/bin/python - <<'PY'
import adif_io

seen = []
for on, off in (("1200", "1200"), ("120015", "120015"), ("1200", "1201"), ("2359", "0001")):
    fields = {"CALL": "N0CALL", "QSO_DATE": "20261129", "TIME_ON": on, "TIME_OFF": off}
    record = "".join(f"<{name}:{len(value)}>{value}" for name, value in fields.items()) + "<EOR>"
    contacts, _ = adif_io.read_from_string(record)
    seen.append(adif_io.time_off(contacts[0]) - adif_io.time_on(contacts[0]))
    print(f"{on} to {off}: {seen[-1]}")
assert [int(time.total_seconds()) for time in seen] == [86400, 86400, 60, 120], seen
PY
