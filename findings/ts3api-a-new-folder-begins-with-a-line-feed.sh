#!/usr/bin/env bash
# ts3api 0.9.4 (PyPI): a backslash before an n is a line feed, before an s a space, before a p a bar.
#
# Expected: a channel whose topic is the path C:\new comes from a TeamSpeak server as C:\\new, two backslashes for
# one, and is C:\new again when it is read.
# Seen: C:, a backslash, a line feed and "ew". Of C:\server and C:\plugins, a space and a bar take the place
# of the letter. What the package's own escape() writes, its own unescape() does not read back. A path whose
# letters mean nothing, such as C:\home, is right.
# Source: unescape in ts3API/utilities.py replaces one pair after the other, the pair of backslashes last, so \n
# is found within \\n; TeamSpeak 3 Server Query Manual, "Escape Patterns".
# Output seen on 2026-11-30, Python 3.11:
#   C:\\new: 'C:\\\new'
#   C:\\server: 'C:\\ erver'
#   C:\\plugins: 'C:\\|lugins'
#   C:\\home: 'C:\\home'
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install --no-deps ts3api==0.9.4 blinker==1.9.0
env/bin/python - <<'PY'
from ts3API.utilities import escape, unescape

paths = ["C:\\new", "C:\\server", "C:\\plugins", "C:\\home"]
for path in paths:
    print(f"{escape(path)}: {unescape(escape(path))!r}")
assert [escape(path) for path in paths] == [path.replace("\\", "\\\\") for path in paths]
assert [unescape(escape(path)) for path in paths] == ["C:\\\new", "C:\\ erver", "C:\\|lugins", "C:\\home"]
PY
