#!/usr/bin/env bash
# ./dev contract: what proto/ promises, kept in proto/contract.binpb.
#
# Every change of proto/ is held against it by buf: additions may be taken in, what would break a
# program built before may not. --check says whether proto/ breaks it, or has additions that it lacks.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
buf=build/node/node_modules/.bin/buf
kept=proto/contract.binpb

[ -x $buf ] || {
    echo "./dev contract: build/node is missing, which has buf; ./dev test makes it," \
        "or ./dev contract without --no-install" >&2
    exit 1
}

case $* in
"" | --check) ;;
*)
    echo "./dev contract: unknown argument $*; it takes --check alone" >&2
    exit 2
    ;;
esac

$buf build proto -o /dev/null
$buf breaking proto --against $kept || {
    echo "./dev contract: proto/ would break programs that were built before: undo that, and add" \
        "what is new beside what is there (proto/README.md, Rules)" >&2
    exit 1
}
now=$(mktemp --suffix=.binpb)
trap 'rm -f "$now"' EXIT
$buf build proto --exclude-source-info -o "$now"
if cmp -s "$now" $kept; then
    exit 0
fi
if [ "$*" = --check ]; then
    echo "./dev contract: proto/ has additions that $kept lacks; ./dev contract takes them in," \
        "and from then on they cannot change" >&2
    exit 1
fi
cp "$now" $kept
echo "$kept has what proto/ promises now"
