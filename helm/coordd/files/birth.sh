#!/bin/sh
# Gives birth to the cluster, once: on the first replica, and only after every one of them has said that
# it is empty. Where any holds a cluster there is nothing to do, because the empty ones join it by
# themselves; and one that does not answer may hold it (R14).
#
# COORD_ENDPOINTS and the rest are coordctl's; REPLICAS and SECONDS_MAX are the chart's.
deadline=$(($(date +%s) + SECONDS_MAX))
first=${COORD_ENDPOINTS%%,*}
said=
newline='
'

say() {
    [ "$*" = "$said" ] || echo "birth: $*"
    said=$*
}

# Sets `empty` to how many replicas are empty, `born` to one that holds a cluster, and `missing` to
# those that did not answer, from the lines of `coordctl status`: "endpoint=... code=OK ... role=...".
look() {
    empty=0 born='' missing=''
    answers=$(coordctl status -o plain --timeout 5s 2>&1)
    IFS=$newline
    for line in $answers; do
        endpoint=${line#endpoint=}
        endpoint=${endpoint%% *}
        case $line in
        "endpoint="*" code=OK "*" role=empty "*) empty=$((empty + 1)) ;;
        "endpoint="*" code=OK "*) born=$endpoint ;;
        "endpoint="*) missing="$missing $endpoint" ;;
        esac
    done
    unset IFS
}

while :; do
    look
    if [ -n "$born" ]; then
        say "$born holds the cluster already; nothing to do"
        exit 0
    fi
    if [ "$empty" -eq "$REPLICAS" ]; then
        say "all $REPLICAS replicas are empty; giving birth on $first"
        # Refused or lost: the next look tells whether it was done.
        coordctl init --endpoints "$first" && exit 0
        why="$first did not carry out init, as it says above"
    else
        why="$empty of $REPLICAS replicas are there and empty; waiting for:${missing:- an answer to coordctl}"
        say "$why"
    fi
    [ "$(date +%s)" -lt "$deadline" ] || break
    sleep 1
done

echo "birth: given up after $SECONDS_MAX s, and no cluster was made. The last answers were:"
echo "$answers"
echo "birth: $why. All $REPLICAS replicas have to say first that they are empty, because one that does" \
    "not answer may hold the cluster. Look at their pods and logs, then run this Job again, as the notes" \
    "of the chart say (helm get notes)."
exit 1
