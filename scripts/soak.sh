#!/usr/bin/env bash
# A million clients that come, send one message and go: descriptors, threads and memory of the
# daemon afterwards are what they were after the first thousand. Loopback only, ends by itself.
#
#   scripts/soak.sh [CONNECTIONS]     default: 1000000 for each of recv, echo and discard
set -euo pipefail
cd "$(dirname "$0")/.."

connections=${1:-1000000}
case "$connections" in
    '' | *[!0-9]*) echo "usage: scripts/soak.sh [CONNECTIONS]" >&2; exit 2 ;;
esac
clients=20
warm_up=1000
# What the allocator may keep of the busiest moment; a leak of two bytes a client is more.
memory_kib=2048

cargo build --release --quiet
poold=${CARGO_TARGET_DIR:-target}/release/poold
work=$(mktemp -d)
daemon=
# shellcheck disable=SC2329 # the trap calls it
finish() {
    if [ -n "$daemon" ]; then kill -KILL "$daemon" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
# A flood that Ctrl-C ends shows its figures and ends well: the shell would go on.
trap 'exit 130' INT

# start SERVICE [FLAGS…]: sets $daemon and $address.
start() {
    rm -f "$work/err"
    touch "$work/err"
    "$poold" "$@" >/dev/null 2>>"$work/err" &
    daemon=$!
    for _ in $(seq 100); do
        address=$(sed -n 's/^listening on //p' "$work/err")
        if [ -n "$address" ]; then return; fi
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.05
    done
    echo "the daemon did not start: $(cat "$work/err")" >&2
    exit 1
}

churn() { # CONNECTIONS EXPECT
    "$poold" flood "$address" --clients "$clients" --messages $(($1 / clients)) --churn \
        --expect "$2" --json --quiet >"$work/json" || { cat "$work/json" >&2; exit 1; }
}

descriptors() {
    local open=("/proc/$daemon/fd/"*)
    echo "${#open[@]}"
}

status() { # NAME
    awk -v name="$1:" '$1 == name { print $2 }' "/proc/$daemon/status"
}

# quiet DESCRIPTORS: waits until the last client's connection is gone.
quiet() {
    for _ in $(seq 200); do
        if [ "$(descriptors)" -le "$1" ]; then return; fi
        sleep 0.05
    done
}

verdict=0
row='%-22s %12s %12s %12s %12s   %s\n'
# shellcheck disable=SC2059 # the format is the table's
line() { printf "$row" "$@"; }
line service connections descriptors threads KiB result

soak() { # EXPECT SERVICE [FLAGS…]
    local expect=$1
    shift
    start "$@"
    local idle
    idle=$(descriptors)
    churn "$warm_up" "$expect"
    quiet "$idle"
    local before after memory result=ok
    before="$(descriptors) $(status Threads)"
    memory=$(status VmRSS)
    line "$1" "$warm_up" "${before% *}" "${before#* }" "$memory" ""
    churn "$connections" "$expect"
    quiet "${before% *}"
    after="$(descriptors) $(status Threads)"
    [ "$after" = "$before" ] || result="not as before"
    [ "$(status VmRSS)" -le $((memory + memory_kib)) ] || result="memory has grown"
    line "$1" "$connections" "${after% *}" "${after#* }" "$(status VmRSS)" "$result"
    [ "$result" = ok ] || verdict=1
    kill -TERM "$daemon"
    wait "$daemon" || verdict=1
    daemon=
}

soak nothing recv 127.0.0.1:0
soak echo echo 127.0.0.1:0
soak nothing discard 127.0.0.1:0
exit "$verdict"
