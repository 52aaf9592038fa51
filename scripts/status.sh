#!/bin/sh
# A service: poold exec 127.0.0.1:8080 -- scripts/status.sh
echo "hello $TCPREMOTEIP: date, load, disk or quit?"
while read -r word; do
    case $word in
        date) date -u +%FT%TZ ;;
        load) cut -d ' ' -f 1-3 /proc/loadavg ;;
        disk) df -h / | tail -n 1 ;;
        quit) echo bye; exit ;;
        *) echo "asked for $word" >&2; echo "what?" ;;
    esac
done
