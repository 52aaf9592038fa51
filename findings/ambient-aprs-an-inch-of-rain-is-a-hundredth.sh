#!/usr/bin/env bash
# ambient-aprs 0.13.0 (PyPI): an inch of rain is sent as a hundredth of an inch.
#
# Expected: 1.25 inches in an hour and 3.5 since midnight are r125 and P350, hundredths of an inch, and a humidity
# of 100 percent is h00: the field has two digits.
# Seen: r001 and P004, and h100, whose last 0 a reader takes for the next field. Half an inch or less is r000. So
# a station that reports to the Citizen Weather Observer Program has a drizzle in a cloudburst.
# Source: get_weather_data and make_aprs_wx in ambient_aprs/ambient_aprs.py (the weather service's inches are
# rounded to whole ones); APRS Protocol Reference 1.0, chapter 12: r and P in hundredths of an inch, h00 for 100.
# Output seen on 2026-11-30, Python 3.11:
#   225/010g015t060r001p...P004h100b10159
#   225/010g015t060r000p...P000h50b10159
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install ambient-aprs==0.13.0
env/bin/python - <<'PY'
from ambient_aprs.ambient_aprs import AmbientAPRS

seen = []
for hour, day, humidity in ((1.25, 3.5, 100), (0.25, 0.5, 50)):
    seen.append(AmbientAPRS().get_weather_data(weather_data={
        "winddir": 225, "windspeedmph": 10.0, "windgustmph": 15.0, "tempf": 60.0,
        "hourlyrainin": hour, "dailyrainin": day, "humidity": humidity, "baromrelin": 30.0,
    }))
    print(seen[-1])
assert seen == ["225/010g015t060r001p...P004h100b10159", "225/010g015t060r000p...P000h50b10159"], seen
PY
