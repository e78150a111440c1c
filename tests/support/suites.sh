# shellcheck shell=bash
# What ./dev test and ./dev long consist of.

test_seeds=200
sanitizer_seeds=20
long_seeds=2000

build_gcc() { build_part dev -DCMAKE_C_COMPILER=gcc; }
build_clang() { build_part clang -DCMAKE_C_COMPILER=clang; }
build_sanitizers() {
    build_part sanitizers -DCMAKE_C_COMPILER=gcc -DCOORD_SANITIZE=address,undefined
}

# seeds_part TREE SEEDS
seeds_part() {
    tree_is_built "$1" "$2 seeds ($1)" || return 0
    run_part "$2 seeds ($1)" "build/$1/tests/simulation/coord_sim" --seeds "$2"
}

shell_part() {
    run_part shellcheck shellcheck -x dev .ci/run tests/support/*.sh
}

suite_test() {
    build_gcc
    ctest_part dev lint 2
    shell_part
    ctest_part dev unit 2
    ctest_part dev scenario 2
    seeds_part dev "$test_seeds"
    ctest_part dev integration 1
    build_clang
    ctest_part clang unit 2
    build_sanitizers
    ctest_part sanitizers unit 2
    seeds_part sanitizers "$sanitizer_seeds"
    close_suite
}

# The integration tests of killed leaders, at full length.
long_failover() {
    COORD_BUILD=$PWD/build/dev COORD_WRITES=1000 COORD_KILLS=20 \
        python3 tests/integration/test_failover.py
}

commit_name() {
    local changed=""
    [ -z "$(git status --porcelain)" ] || changed=" with changes"
    echo "$(git rev-parse --short=12 HEAD)$changed"
}

suite_long() {
    local commit started=$SECONDS
    commit=$(commit_name)
    build_gcc
    seeds_part dev "$long_seeds"
    run_part "1000 writes, 20 leader kills" long_failover
    mutant_parts
    {
        printf '\n## %s, commit %s, %d s\n\n' "$(date -u +%Y-%m-%d)" "$commit" $((SECONDS - started))
        # shellcheck disable=SC2154 # parts.sh fills it
        printf '%s\n' "${results[@]}"
    } >>tests/RESULTS.md
    close_suite
}
