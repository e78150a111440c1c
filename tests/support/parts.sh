# shellcheck shell=bash
# A suite is a row of parts. Each part says how it went, a failing one does not stop the next ones,
# and close_suite prints the one line of totals.

passed=0
failed=0
skipped=0
results=() # one line of Markdown a part
parts_log=build/logs
# Build trees that failed to build: nothing of them is run, since an old binary could pass.
declare -A broken_trees=()

# begin_part NAME; its output goes to $part_log.
begin_part() {
    part_name=$1
    part_log=$parts_log/${1//[^a-zA-Z0-9]/-}.log
    part_started=$SECONDS
    mkdir -p "$parts_log"
    : >"$part_log"
}

# end_part PASSED FAILED [SKIPPED]: also names what was left out and why.
end_part() {
    local left_out=${3:-0} seconds=$((SECONDS - part_started))
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + left_out))
    printf '%-34s %5d passed %3d failed %5d s\n' "$part_name" "$1" "$2" "$seconds"
    results+=("- $part_name: $1 passed, $2 failed, $left_out skipped, $seconds s")
    if [ "$left_out" -gt 0 ]; then
        echo "$left_out skipped"
        grep -hoE 'SKIPPED: .*' "$part_log" | sort -u || true
    fi
    if [ "$2" -gt 0 ]; then
        echo "---- end of $part_log"
        grep -vE '^ *Start +[0-9]+:| Passed +[0-9.]+ sec$' "$part_log" | tail -n 150 || true
        echo "----"
    fi
}

# run_part NAME COMMAND...: one case, which passes if the command does.
run_part() {
    local name=$1
    shift
    begin_part "$name"
    if "$@" >"$part_log" 2>&1 </dev/null; then end_part 1 0; else end_part 0 1; fi
}

# tree_is_built TREE NAME: false, and NAME counted as failed, if TREE is broken.
tree_is_built() {
    [ -n "${broken_trees[$1]:-}" ] || return 0
    begin_part "$2"
    echo "not run: build/$1 was not built" >"$part_log"
    end_part 0 1
    return 1
}

# build_part TREE [CMAKE_OPTION...]: one case, which fails on any warning.
build_part() {
    local tree=$1
    shift
    begin_part "build $tree"
    if { configure_tree "$tree" -DCOORD_WERROR=ON "$@" && ninja -k 0 -C "build/$tree"; } \
        >"$part_log" 2>&1 </dev/null && ! grep -n 'warning:' "$part_log"; then
        end_part 1 0
    else
        broken_trees[$tree]=yes
        end_part 0 1
    fi
}

# ctest_part TREE LABEL JOBS [CTEST_OPTION...]: as many cases as the tests of that label say they ran.
ctest_part() {
    local tree=$1 label=$2 jobs=$3 report counts
    shift 3
    tree_is_built "$tree" "$label ($tree)" || return 0
    begin_part "$label ($tree)"
    report=$PWD/$parts_log/$label-$tree.xml
    rm -f "$report"
    ctest --test-dir "build/$tree" --label-regex "^$label\$" --parallel "$jobs" "$@" \
        --output-on-failure --output-junit "$report" \
        --test-output-size-passed 1000000 --test-output-size-failed 1000000 \
        >"$part_log" 2>&1 </dev/null || true
    counts=$(python3 tests/support/count_cases.py "$report" 2>>"$part_log") || counts="0 1 0"
    # shellcheck disable=SC2086 # three words
    end_part $counts
}

close_suite() {
    local left_out=""
    [ "$skipped" -eq 0 ] || left_out=", $skipped skipped"
    echo "$passed passed, $failed failed$left_out"
    [ "$failed" -eq 0 ]
}
