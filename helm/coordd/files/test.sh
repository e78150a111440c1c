#!/bin/sh
# Writes, reads and deletes a node of its own through the service for clients.
set -e
coordctl create /helm-test --container --if-absent
path=$(coordctl create /helm-test/run- "before" --sequential)
coordctl set "$path" "after"
got=$(coordctl get "$path")
coordctl rm "$path"
if [ "$got" != "after" ]; then
    echo "test: $path held \"$got\" where \"after\" had been written" >&2
    exit 1
fi
if coordctl get "$path" 2>/dev/null; then
    echo "test: $path is still there after it was deleted" >&2
    exit 1
fi
echo "test: wrote, read and deleted $path through $COORD_ENDPOINTS"
