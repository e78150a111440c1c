# shellcheck shell=bash
# A mutant is the product with one rule broken on purpose: tests/simulation/mutants/NAME.patch, whose
# first line is "caught within N seeds: WHAT IS BROKEN". The simulation must fail within N seeds; a
# mutant that survives, or a patch that does not apply any more, is a failure.

mutants_folder=tests/simulation/mutants

mutant_seeds() {
    sed -n '1s/^caught within \([0-9]*\) seeds:.*/\1/p' "$1"
}

# Copies the working tree, tracked and new files alike, to $1; files that did not change keep their
# time, so that only what the patch touches is built again.
copy_sources() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
            if [ -f "$file" ] && ! cmp -s "$file" "$1/$file"; then
                mkdir -p "$1/$(dirname "$file")"
                cp "$file" "$1/$file"
            fi
        done
}

# mutant_is_caught PATCH SEEDS: its exit code says so.
mutant_is_caught() {
    local patch=$PWD/$1 seeds=$2 copy=build/mutants/source tree=build/mutants/tree code=0
    copy_sources "$copy"
    (cd "$copy" && patch -p1 --batch --forward --input="$patch") || return 1
    cmake -S "$copy" -B "$tree" -G Ninja && ninja -C "$tree" coord_sim || return 1
    "$tree/tests/simulation/coord_sim" --seeds "$seeds" || code=$?
    echo "the simulation of $1 ended with $code"
    # 0: it saw nothing; 2: it did not run.
    [ "$code" -ne 0 ] && [ "$code" -ne 2 ]
}

mutant_parts() {
    local patch seeds found=no
    for patch in "$mutants_folder"/*.patch; do
        [ -e "$patch" ] || continue
        found=yes
        seeds=$(mutant_seeds "$patch")
        run_part "mutant $(basename "$patch" .patch), $seeds seeds" \
            mutant_is_caught "$patch" "${seeds:-0}"
    done
    [ "$found" = yes ] || run_part "mutants" false
}
