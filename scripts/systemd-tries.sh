#!/usr/bin/env bash
# What scripts/systemd.sh does inside of the container.
# shellcheck disable=SC2016 # what is in single quotes is another shell's
set -euo pipefail

tell() { printf '\n== %s\n' "$*"; }
die() {
    echo "FAILED: $*" >&2
    journalctl -u poold -n 40 --no-pager >&2
    exit 1
}
of() { systemctl show poold -p "$1" --value; }
command_is() {
    mkdir -p /etc/systemd/system/poold.service.d
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/poold %s\n%s\n' "$1" "${2:-}" \
        >/etc/systemd/system/poold.service.d/try.conf
    systemctl daemon-reload
    systemctl restart poold
}
wait_for() { # WHAT SECONDS COMMAND…
    local what=$1 until=$((SECONDS + $2))
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || die "$what"
        sleep 0.05
    done
}
lines=/var/lib/poold/lines.log

tell "install; the first client starts it"
dpkg -i /root/1.deb
[ "$(systemctl is-enabled poold.socket || true)" = disabled ] || die "enabled by the installation"
systemd-analyze verify --man=no poold.service poold.socket
systemctl enable --quiet --now poold.socket
[ "$(of ActiveState)" = inactive ] || die "started before a client came"
echo hello | nc -N -w 5 127.0.0.1 5140
[ "$(cat $lines | cut -d ' ' -f 4-)" = hello ] || die "not in the file: $(cat $lines)"
wait_for "STATUS= has no figures" 10 sh -c 'systemctl status poold | grep -q "Status:.* 1 messages"'

tell "reloads, restarts and an upgrade under clients"
rm $lines
systemctl restart poold
poold flood 127.0.0.1:5140 --churn --expect nothing -c 20 -t 10s --json --quiet >/tmp/flood.json &
flood=$!
for do in reload reload restart "upgrade 2" reload restart "upgrade 1"; do
    sleep 1
    before=$(of MainPID)
    case $do in
    upgrade*) dpkg -i "/root/${do#upgrade }.deb" >/dev/null 2>&1 ;;
    *) systemctl "$do" poold 2>/dev/null ;;
    esac
    [ "$(of MainPID)" != "$before" ] || die "$do: the old process is still there"
    [ "$(of ActiveState)" = active ] || die "$do: $(of ActiveState)"
    parent=$(awk '/^PPid/ { print $2 }' "/proc/$(of MainPID)/status")
    [ "$parent" = 1 ] || die "$do: the main process is not systemd's own"
    echo "$do: $before -> $(of MainPID)"
done
wait "$flood" || die "refused or lost: $(cat /tmp/flood.json)"
systemctl stop poold 2>/dev/null
sent=$(jq .sent /tmp/flood.json)
echo "$sent connections"
[ "$(wc -l <$lines)" = "$sent" ] || die "$(wc -l <$lines) lines of $sent"

status() { poold status unix:/run/poold/admin --json | jq "$1"; }
clients_are() { [ "$(status .clients.open)" = "$1" ]; }

tell "1 000 clients stay connected through reloads and upgrades"
for service in "recv systemd:lines --ack --output $lines" "echo systemd:lines" \
    "exec systemd:lines --lines --shell cat"; do
    expect=echo
    rate=2000
    more=
    case $service in
    recv*) expect=ack ;;
    exec*)
        rate=200
        more=$(printf 'NotifyAccess=all\nKillMode=mixed')
        ;;
    esac
    command_is "$service" "$more"
    poold flood 127.0.0.1:5140 --expect "$expect" -c 1000 --rate $rate -t 5m --json --quiet \
        >/tmp/flood.json &
    flood=$!
    wait_for "not all are connected" 10 clients_are 1000
    for do in reload "upgrade 2" reload "upgrade 1" reload; do
        sleep 1
        before=$(status .pid)
        case $do in
        upgrade*) dpkg -i "/root/${do#upgrade }.deb" >/dev/null 2>&1 ;;
        *) systemctl "$do" poold ;;
        esac
        [ "$(status .pid)" != "$before" ] || die "$do: the old process still serves"
        clients_are 1000 || die "$do: $(status .clients.open) clients have moved"
    done
    kill -INT "$flood"
    wait "$flood" || true
    jq -e '.connections == 1000 and .answered == .sent and .lost + .duplicated + .reordered == 0
        and ([.errors[]] | add) == 0' /tmp/flood.json >/dev/null ||
        die "$service: closed or lost: $(cat /tmp/flood.json)"
    echo "${service%% *}: $(jq -c '{answered, lost, longest_ms: (.latency_us.max / 1000)}' /tmp/flood.json)"
done
rm $lines /etc/systemd/system/poold.service.d/try.conf
systemctl stop poold 2>/dev/null
systemctl daemon-reload

tell "a stop just after a reload leaves the old process its drain"
systemctl start poold
rm -f $lines
(
    echo one
    sleep 2
    echo two
) | nc -N -w 5 127.0.0.1 5140 &
wait_for "the client is not read" 5 grep -qs ': one' $lines
systemctl reload poold
systemctl stop poold 2>/dev/null
grep -q ': two' $lines || die "its client was cut off"

tell "a drain that gets on takes longer than TimeoutStopSec=3"
command_is "echo systemd:lines --drain 60s" TimeoutStopSec=3
for seconds in 6 12 18; do
    sleep "$seconds" | nc -N -w 30 127.0.0.1 5140 &
done
wait_for "not all are connected" 2 clients_are 3
systemctl stop poold 2>/dev/null
[ "$(of Result)" = success ] || die "$(of Result)"

tell "the watchdog ends a process that has taken over and then stands still"
command_is "echo systemd:lines" WatchdogSec=1
systemctl reload poold
sleep 2
[ "$(of NRestarts)" = 0 ] || die "it was not fed"
kill -STOP "$(of MainPID)"
wait_for "not started again" 10 sh -c '[ "$(systemctl show poold -p NRestarts --value)" = 1 ]'
wait_for "not served again" 10 sh -c '[ "$(echo x | nc -N -w 2 127.0.0.1 5140)" = x ]'

tell "a restart after the death of one that has taken over"
systemctl reload poold
kill -KILL "$(of MainPID)"
wait_for "not started again" 10 sh -c '[ "$(systemctl show poold -p NRestarts --value)" = 2 ]'

tell "warnings are warnings in the journal"
command_is "echo systemd:lines --max-clients 1 --when-full refuse"
sleep 1 | nc -N -w 5 127.0.0.1 5140 &
sleep 0.5 && nc -N -w 5 127.0.0.1 5140 </dev/null || true
wait_for "no warning" 5 sh -c 'journalctl -u poold -p warning -o json |
    jq -e "select(._COMM == \"poold\" and .PRIORITY == \"4\")" >/dev/null'

tell "programs"
command_is "exec systemd:lines --shell 'cat; sleep 1; echo \$\$TCPREMOTEIP'" \
    "$(printf 'NotifyAccess=all\nKillMode=mixed')"
echo in | nc -N -w 5 127.0.0.1 5140 >/tmp/said &
said=$!
wait_for "no program" 5 sh -c 'grep -q in /tmp/said'
before=$(of MainPID)
systemctl reload poold
[ "$(of MainPID)" = "$before" ] || die "the first process has gone"
systemctl stop poold 2>/dev/null
wait "$said"
[ "$(tail -n 1 /tmp/said)" = 127.0.0.1 ] || die "the program was cut off: $(cat /tmp/said)"

tell "a new version that does not start changes nothing"
rm /etc/systemd/system/poold.service.d/try.conf
systemctl daemon-reload
systemctl start poold
before=$(of MainPID)
mv /usr/bin/poold /usr/bin/poold.good
printf '#!/bin/sh\n[ "$1" = restart ] && exec /usr/bin/poold.good "$@"\nexit 9\n' >/usr/bin/poold
chmod 755 /usr/bin/poold
! systemctl reload poold 2>/dev/null || die "the reload did not fail"
[ "$(of MainPID)" = "$before" ] || die "the old process has gone"
mv /usr/bin/poold.good /usr/bin/poold

tell "purge"
dpkg -P poold 2>&1 | grep -q "still in /var/lib/private/poold" || die "it does not say what is left"
rm -r /var/lib/private/poold /var/lib/poold
left=$(find / -xdev -name '*poold*' -not -path '/tmp/*' -not -path '/var/cache/*')
[ -z "$left" ] || die "left: $left"
echo "all is well"
