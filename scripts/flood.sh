#!/usr/bin/env bash
# Load-tests poold: builds it, starts a daemon on a free loopback port, floods echo and recv,
# stops a third run with SIGINT in the middle, and fills a chat. Says in one table what was lost
# (nothing) and how fast it went. Loopback only, bounded in count and time, ends what it started.
#
#   scripts/flood.sh [CLIENTS] [MESSAGES]     default: 64 clients, 2000 messages each
set -euo pipefail
cd "$(dirname "$0")/.."
# printf takes the figures only with a decimal point.
export LC_ALL=C.UTF-8

clients=${1:-64}
messages=${2:-2000}
case "$clients$messages" in
    *[!0-9]*) echo "usage: scripts/flood.sh [CLIENTS] [MESSAGES]" >&2; exit 2 ;;
esac

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
    # The shell opens these in the background: yesterday's lines must not be taken for today's.
    rm -f "$work/out" "$work/err"
    touch "$work/out" "$work/err"
    "$poold" "$@" >>"$work/out" 2>>"$work/err" &
    daemon=$!
    address=
    for _ in $(seq 100); do
        address=$(sed -n 's/^listening on //p' "$work/err")
        if [ -n "$address" ]; then return; fi
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.05
    done
    echo "the daemon did not start: $(cat "$work/err")" >&2
    exit 1
}

# stop: SIGINT, and the daemon's own exit code in $code.
stop() {
    kill -INT "$daemon" 2>/dev/null || true
    code=0
    wait "$daemon" || code=$?
    daemon=
}

figure() { # NAME FILE: one number out of flood's JSON
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2"
}

rows=()
verdict=0
row() { # RUN JSON RESULT
    rows+=("$(printf '%-22s %10s %12.0f %9.0f %9.0f   %s' "$1" "$(figure sent "$2")" \
        "$(figure messages_per_second "$2")" "$(figure p50 "$2")" "$(figure p99 "$2")" "$3")")
    case "$3" in ok*) ;; *) verdict=1 ;; esac
}

load=("$poold" flood --clients "$clients" --messages "$messages" --json --quiet)

# 1. echo: every message comes back, whole and in order.
start echo 127.0.0.1:0
if "${load[@]}" "$address" >"$work/json"; then result=ok; else result=LOST; fi
stop
[ "$code" = 0 ] || result="daemon ended with $code"
row "echo" "$work/json" "$result"

# 2. recv: every message is printed once, in its client's order.
start recv 127.0.0.1:0
if "${load[@]}" "$address" --expect nothing --pipeline 32 >"$work/json"; then result=ok
else result=LOST; fi
stop
[ "$code" = 0 ] || result="daemon ended with $code"
"$poold" flood --check "$work/out" --clients "$clients" --messages "$messages" >"$work/check" \
    || result="LOST: $(cat "$work/check")"
row "recv" "$work/json" "$result"

# 3. recv, stopped with SIGINT while all send: what it says it received is what it printed.
start recv 127.0.0.1:0
"$poold" flood "$address" --clients "$clients" --duration 60s --expect nothing --pipeline 8 \
    --until-closed --json --quiet >"$work/json" &
flood=$!
for _ in $(seq 200); do
    if [ "$(wc -l <"$work/out")" -gt $((clients * 50)) ]; then break; fi
    sleep 0.02
done
stop
wait "$flood" || true
report=$(grep '^drained' "$work/err" || echo "no report")
received=$(sed -n 's/.* \([0-9]*\) messages\{0,1\} received.*/\1/p' <<<"$report")
delivered=$(sed -n 's/.* \([0-9]*\) delivered.*/\1/p' <<<"$report")
printed=$(wc -l <"$work/out")
result=ok
"$poold" flood --check "$work/out" --cut >"$work/check" || result="LOST: $(cat "$work/check")"
[ "$received" = "$printed" ] && [ "$delivered" = "$printed" ] \
    || result="received $received, delivered $delivered, printed $printed"
[ "$code" = 0 ] || result="daemon ended with $code"
row "recv, SIGINT midway" "$work/json" "$result"

# 4. chat: eight send, and all see the same lines in the same order.
start chat 127.0.0.1:0 --rate off
if "$poold" flood "$address" --chat --clients $((clients + 8)) --senders 8 \
    --messages $(((messages + 9) / 10)) --pipeline 32 --json >"$work/json"; then result=ok
else result="LOST: $(cat "$work/json")"; fi
stop
[ "$code" = 0 ] || result="daemon ended with $code"
# Each line counts once for each reader.
sed -i 's/"sent":[0-9]*/"lines":0/; s/"deliveries":/"sent":/; s/deliveries_per_s/messages_per_s/' \
    "$work/json"
row "chat" "$work/json" "$result"

printf '%-22s %10s %12s %9s %9s   %s\n' run messages messages/s 'p50 µs' 'p99 µs' result
printf '%s\n' "${rows[@]}"
echo "the interrupted daemon: $report"
exit "$verdict"
