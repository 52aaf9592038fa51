#!/usr/bin/env bash
# rf-bench-drivers-icom 0.2.0 (PyPI): the number of an error is the strength of a signal.
#
# Expected: rigctld answers "RPRT -5", timed out, when the radio is switched off. get_strength() is then NaN, as its
# description says for a read that fails, and get_frequency() is 0.
# Seen: five decibels below S9, a reading like any other, and -5 hertz. The last word of the answer is taken for the
# value, whatever stands in front of it, so the average of get_strength_settled() is -5 as well.
# Source: get_strength and get_frequency in rf_bench/icom/ic7300.py; rigctld(1): a command that
# fails is answered with the line RPRT x, where x is a negative error code.
# Output seen on 2026-11-30, Python 3.11:
#   answer -12: strength -12.0
#   answer RPRT -5: strength -5.0
#   answer RPRT -5: frequency -5.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install rf-bench-drivers-icom==0.2.0
env/bin/python - <<'PY'
import socket
import threading

from rf_bench.icom.ic7300 import IC7300

answers = ["-12", "RPRT -5", "RPRT -5"]
listener = socket.create_server(("127.0.0.1", 0))

def serve():  # what rigctld says: a number on a line, or RPRT and a number
    connection, _ = listener.accept()
    with connection, connection.makefile("rw") as stream:
        for answer in answers:
            stream.readline()
            stream.write(answer + "\n")
            stream.flush()

threading.Thread(target=serve, daemon=True).start()
rig = IC7300(*listener.getsockname())
seen = [rig.get_strength(), rig.get_strength(), rig.get_frequency()]
for answer, name, value in zip(answers, ("strength", "strength", "frequency"), seen):
    print(f"answer {answer}: {name} {value}")
assert seen == [-12.0, -5.0, -5.0], seen
PY
