#!/usr/bin/env bash
# pycef 1.11 (PyPI): an escaped pipe in the name leaves no name, no severity and a wrong key.
#
# Expected: of the CEF documentation's own example, "detected a \| in message" with severity 10 and the key src.
# Seen: the name is empty, there is no severity, and src has become "message|10|src", without a warning. A
# backslash (\\), or an equals sign, which is not even escaped in a header, does the same.
# Source: parse in pycef/__init__.py (the header must not have = or a backslash); "Implementing ArcSight Common
# Event Format", section "Character Encoding".
# Output seen on 2026-11-29, Python 3.11:
#   detected a \| in message: name '' severity None keys message|10|src act dst
#   detected a \\ in packet: name '' severity None keys packet|10|src act dst
#   detected a = in message: name '' severity None keys message|10|src act dst
#   detected a message: name 'detected a message' severity '10' keys src act dst
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install pycef==1.11
env/bin/python - <<'PY'
import pycef

seen = []
for name in (
    r"detected a \| in message",
    r"detected a \\ in packet",
    "detected a = in message",
    "detected a message",
):
    event = pycef.parse(f"CEF:0|security|threatmanager|1.0|100|{name}|10|src=10.0.0.1 act=blocked dst=1.1.1.1")
    keys = [key for key in event if key.endswith("src") or key in ("act", "dst")]
    seen.append((event["Name"], event.get("Severity"), keys[0]))
    print(f"{name}: name {event['Name']!r} severity {event.get('Severity')!r} keys", *keys)
assert seen == [
    ("", None, "message|10|src"),
    ("", None, "packet|10|src"),
    ("", None, "message|10|src"),
    ("detected a message", "10", "src"),
], seen
PY
