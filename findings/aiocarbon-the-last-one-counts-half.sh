#!/usr/bin/env bash
# aiocarbon 0.17.0 (PyPI): the average of a second's times is half the last one.
#
# Expected: of nine requests that took 0.1 s and a last one of 2.1 s, all in one second, the average is 0.3 s.
# Seen: 1.1. Each new time is averaged with the average so far, so the last counts half, the one before it
# a quarter; the same ten in another order give 0.104. Timer uses this operation.
# Source: Operations.avg in aiocarbon/storage/base.py.
# Output seen on 2026-11-29, Python 3.11:
#   slow one last: 1.100
#   slow one in the middle: 0.163
#   slow one first: 0.104
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aiocarbon==0.17.0
env/bin/python - <<'PY'
import aiocarbon
from aiocarbon.storage import Operations

seen = []
for name, place in (("last", 9), ("in the middle", 5), ("first", 0)):
    storage = aiocarbon.TotalStorage()
    times = [0.1] * 9
    times.insert(place, 2.1)
    for time in times:
        storage.add(aiocarbon.Metric("request", time, 1700000000), Operations.avg)
    (metric,) = storage
    seen.append(f"{metric.value:.3f}")
    print(f"slow one {name}:", seen[-1])
assert seen == ["1.100", "0.163", "0.104"], seen
PY
