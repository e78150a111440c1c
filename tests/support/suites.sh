# shellcheck shell=bash
# What ./dev test and ./dev long consist of.

test_seeds=200
sanitizer_seeds=20
long_seeds=5000
long_sanitizer_seeds=200

build_gcc() { build_part dev -DCMAKE_C_COMPILER=gcc; }
build_clang() { build_part clang -DCMAKE_C_COMPILER=clang; }
build_sanitizers() {
    build_part sanitizers -DCMAKE_C_COMPILER=gcc -DCOORD_SANITIZE=address,undefined
}

# seeds_part TREE SEEDS [COMMAND]: COMMAND is one of coord_sim's, swarm if none is named.
seeds_part() {
    local tree=$1 seeds=$2 command=${3:-swarm}
    tree_is_built "$tree" "$seeds $command seeds ($tree)" || return 0
    run_part "$seeds $command seeds ($tree)" \
        "build/$tree/tests/simulation/coord_sim" "$command" --seeds "$seeds"
}

shell_part() {
    local scripts
    mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh')
    run_part shellcheck shellcheck -x dev .ci/run bindings/protoc "${scripts[@]}"
}

# Rules broken on purpose, traces to the byte, the consensus core alone. Without what runs elsewhere:
# the checkers are unit tests too, and seeds_part runs more seeds of the swarm.
simulation_part() {
    ctest_part "$1" simulation 2 --label-exclude '^unit$' --exclude-regex '^simulation/swarm$'
}

# They mostly wait: four of them keep two cores busy. The folder's CMakeLists.txt says which run alone.
integration_part() {
    ctest_part "$1" integration 4 "${@:2}"
}

suite_test() {
    build_gcc
    ctest_part dev lint 2
    shell_part
    ctest_part dev unit 2
    ctest_part dev scenario 2
    simulation_part dev
    seeds_part dev "$test_seeds"
    integration_part dev
    build_clang
    ctest_part clang unit 2
    build_sanitizers
    ctest_part sanitizers unit 2
    ctest_part sanitizers scenario 2
    seeds_part sanitizers "$sanitizer_seeds"
    integration_part sanitizers
    close_suite
}

# ---- ./dev long, in pieces ----

piece_seeds() {
    seeds_part dev "$long_seeds" paxos
    quote_result
    seeds_part dev "$long_seeds" swarm
    quote_result
}

piece_broken() {
    simulation_part dev
}

# failover_at_length WRITES KILLS
failover_at_length() {
    COORD_BUILD=$PWD/build/dev COORD_WRITES=$1 COORD_KILLS=$2 \
        python3 tests/integration/test_failover.py LeaderKills
}

piece_failover() {
    run_part "5000 writes, 100 leader kills" failover_at_length 5000 100
    quote_result '^[0-9]* writes acknowledged'
}

# at_length FILE VARIABLE=NUMBER...: an integration test with other numbers than in ./dev test.
at_length() {
    local file=$1
    shift
    env "COORD_BUILD=$PWD/build/dev" "$@" python3 "tests/integration/test_$file.py"
}

piece_exactly_once() {
    run_part "10000 increments, 50 leader kills, 50 cuts" \
        at_length exactly_once COORD_INCREMENTS=10000 COORD_KILLS=50 COORD_CUTS=50
    quote_result '^[0-9]* increments by'
}

piece_watch_log() {
    run_part "10000 changes told, 20 kills" \
        at_length watch_log COORD_CHANGES=10000 COORD_KILLS=20
    quote_result '^[0-9]* changes told'
}

piece_mastership() {
    run_part "100 changes of mastership" at_length mastership COORD_CHANGES=100
    quote_result 'changes of mastership|margin|fenced writes'
}

no_race_was_reported() {
    ! grep -h . build/tsan/races/* /dev/null
}

# The thread sanitizer over real processes. test_planted_race.py shows that it would tell.
piece_races() {
    build_part tsan -DCMAKE_C_COMPILER=gcc -DCOORD_SANITIZE=thread
    rm -f build/tsan/races/*
    # A program takes five times as long to start, and some tests start one for each write.
    COORD_WRITES=200 COORD_KILLS=5 COORD_CUTS=5 COORD_INCREMENTS=1000 ctest_part tsan integration 1
    run_part "no race was reported (tsan)" no_race_was_reported
}

piece_repeat() {
    integration_part dev --repeat until-fail:5
}

piece_sanitizers() {
    build_sanitizers
    seeds_part sanitizers "$long_sanitizer_seeds" swarm
    integration_part sanitizers
}

# The client's unit tests, and its recipes with a real replica, under valgrind.
piece_valgrind() {
    ctest_part dev valgrind 1 # what is 30 times as slow already is not to wait for others as well
}

piece_bench() {
    run_part "speed of three replicas" env "COORD_BUILD=$PWD/build/dev" python3 tests/support/bench.py
    quote_result
}

piece_memory() {
    run_part "memory of nodes, watches, sessions" \
        env "COORD_BUILD=$PWD/build/dev" python3 tests/support/bench.py memory
    quote_result
}

# quote_result [REGEX]: the lines of the part's output that say what was measured, for the record.
quote_result() {
    local line
    # shellcheck disable=SC2154 # parts.sh sets it
    while IFS= read -r line; do
        results+=("      $line")
    done < <(grep -E "${1:-.}" "$part_log" | tail -n 40)
}

commit_name() {
    local changed=""
    [ -z "$(git status --porcelain -- . ':!tests/RESULTS.md')" ] || changed=" with changes"
    echo "$(git rev-parse --short=12 HEAD)$changed"
}

suite_long() {
    local commit piece started=$SECONDS
    local pieces=("$@")
    [ $# -gt 0 ] ||
        pieces=(seeds broken failover exactly_once watch_log mastership repeat sanitizers races
            valgrind bench memory)
    commit=$(commit_name)
    build_gcc
    for piece in "${pieces[@]}"; do
        "piece_$piece"
    done
    [ -e tests/RESULTS.md ] || printf '# Results of ./dev long\n' >tests/RESULTS.md
    {
        printf '\n## %s, commit %s, %s: %d s\n\n' \
            "$(date -u +%Y-%m-%d)" "$commit" "${pieces[*]}" $((SECONDS - started))
        # shellcheck disable=SC2154 # parts.sh fills it
        printf '%s\n' "${results[@]}"
    } >>tests/RESULTS.md
    close_suite
}
