#!/usr/bin/env bash
# readmet 1.0.0 (PyPI): a record of 10:20:30 is written as one of 10:20:3.
#
# Expected: a TOA5 file of three records, at 10:20:10, 10:20:20 and 10:20:30, has these three times.
# Seen: 10:20:1, 10:20:2 and 10:20:3, which are read again, by this package too, as the first three seconds of the
# minute. Of a time with a fraction the zeros behind the point are to be cut, and at a whole second the zero
# of the second is cut with them; of a whole minute "10:20:" is left, which no reader takes.
# Source: format_field in readmet/toa5.py (strftime with %f, then rstrip('0.')); Campbell Scientific, LoggerNet manual,
# appendix B, "TOA5": the timestamp is YYYY-MM-DD hh:mm:ss, with a fraction where there is one.
# Output seen on 2026-11-30, Python 3.11:
#   2026-11-30 10:20:10 is written as 2026-11-30 10:20:1, read as 2026-11-30 10:20:01
#   2026-11-30 10:20:20 is written as 2026-11-30 10:20:2, read as 2026-11-30 10:20:02
#   2026-11-30 10:20:30 is written as 2026-11-30 10:20:3, read as 2026-11-30 10:20:03
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install readmet==1.0.0 pandas==3.1.1
env/bin/python -W ignore - <<'PY'
import contextlib, io

import pandas
from readmet import toa5

header = toa5.Header()
for name in ("station_name", "logger_name", "logger_serial", "logger_os", "logger_prog", "logger_sig", "table_name"):
    header[name] = "1"
header["column_names"] = ["TIMESTAMP", "AirTC"]
header["column_units"] = ["TS", "Deg C"]
header["column_sampling"] = ["", "Avg"]
times = pandas.to_datetime([f"2026-11-30 10:20:{second}" for second in (10, 20, 30)])
with contextlib.redirect_stdout(io.StringIO()):  # it prints each record
    toa5.write("table.dat", header, pandas.DataFrame({"TIMESTAMP": times, "AirTC": 21.5}))
written = [line.split(",")[0] for line in open("table.dat").read().splitlines()[4:]]
read = list(toa5.read("table.dat")[1].index)
for time, text, again in zip(times, written, read):
    print(f"{time} is written as {text}, read as {again}")
assert written == [f"2026-11-30 10:20:{second}" for second in (1, 2, 3)], written
assert [again.second for again in read] == [1, 2, 3], read
PY
