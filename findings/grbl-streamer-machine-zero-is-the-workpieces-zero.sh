#!/usr/bin/env bash
# grbl-streamer 2.0.2 (PyPI): a move to the machine's zero becomes a move to the zero of the workpiece.
#
# Expected: "G53 G0 Z0", the usual line before a change of tool, lifts the tool to the machine's zero, and goes to
# the controller as one line: G53 holds for the line that it is in, and for that alone.
# Seen: two lines, "G53" and "G00Z0". The first moves nothing, the second moves to zero of the active coordinate
# system, where the surface of the workpiece usually is. "G0 G53 Z0" is cut too, and stays right by chance.
# Source: split_lines in gcode_machine.py of gcode-machine 1.0.3, called by _load_line_into_buffer, begins a line at
# each G, M and T; NIST RS274/NGC, 3.5.13, "Move in Absolute Coordinates - G53": on each line on which it is
# intended to be active; Grbl, "G-code commands": G53 is non-modal.
# Output seen on 2026-11-30, Python 3.11:
#   G53 G0 Z0: G53 | G00Z0
#   G0 G53 Z0: G00 | G53Z0
#   G1 X1.5 F300: G01X1.5F300
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install grbl-streamer==2.0.2 gcode-machine==1.0.3
env/bin/python - <<'PY'
from grbl_streamer import GrblStreamer

seen = []
for line in ("G53 G0 Z0", "G0 G53 Z0", "G1 X1.5 F300"):
    streamer = GrblStreamer(lambda *event: None)
    streamer.write(line)
    seen.append(streamer.buffer)
    print(f"{line}: {' | '.join(streamer.buffer)}")
assert seen == [["G53", "G00Z0"], ["G00", "G53Z0"], ["G01X1.5F300"]], seen
PY
