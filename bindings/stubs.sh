#!/usr/bin/env bash
# ./dev stubs: the generated stubs of all languages, made anew out of proto/coord/v1 or compared.
#
# bindings/LANGUAGE/stubs.sh OUT writes a language's generated files, and nothing else, into the empty
# folder OUT, by that language's own generator. COORD_PROTOC is the protoc that all of them use; its
# version is that of grpcio-tools in tests/support/requirements.txt. COORD_CACHE is where they keep
# generators that take long to build, each in a folder named by its version.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

# The folder that holds a language's stubs, and nothing written by hand.
declare -A folders=(
    [python]=bindings/python/coord/v1
    [go]=bindings/go/coord/v1
    [java]=bindings/java/src/generated/java
    [node]=bindings/node/src/gen
    [rust]=bindings/rust/src/gen
)

# The program that brings its generator, beside build/python.
declare -A programs=([go]=go [java]=mvn [node]=npm [rust]=cargo)

usage_error() {
    printf './dev stubs: %s\n' "$1" >&2
    printf 'usage: ./dev stubs [--check] [python|go|java|node|rust]...\n' >&2
    exit 2
}

check=no
languages=()
for word in "$@"; do
    case $word in
    --check) check=yes ;;
    -*) usage_error "unknown option $word" ;;
    *)
        [ -n "${folders[$word]:-}" ] || usage_error "there is no language $word"
        languages+=("$word")
        ;;
    esac
done
[ ${#languages[@]} -gt 0 ] || languages=(python go java node rust)

for language in "${languages[@]}"; do
    program=${programs[$language]:-python3}
    command -v "$program" >/dev/null || {
        echo "./dev stubs: $language needs $program, which is not in PATH; install it, or name only the" \
            "languages that are to be made: ./dev stubs python ..." >&2
        exit 1
    }
done
export COORD_CACHE=${COORD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coord}
export COORD_PROTOC=$root/bindings/protoc
[ -x build/python/bin/python ] || {
    echo "./dev stubs: build/python is missing, which has the compiler of proto/;" \
        "./dev test makes it, or ./dev stubs without --no-install" >&2
    exit 1
}

# Whether the checked-in stubs are what the generator makes of proto/ today.
compare() {
    diff -r "$2" "$1" && return 0
    echo "./dev stubs: $2 is not what proto/ gives; ./dev stubs makes it anew" >&2
    return 1
}

stale=0
for language in "${languages[@]}"; do
    made=$root/build/stubs/$language
    rm -rf "$made"
    mkdir -p "$made"
    "bindings/$language/stubs.sh" "$made"
    [ -n "$(ls -A "$made")" ] || {
        echo "./dev stubs: bindings/$language/stubs.sh has made nothing" >&2
        exit 1
    }
    if [ "$check" = yes ]; then
        compare "$made" "${folders[$language]}" || stale=1
    else
        rm -rf "${folders[$language]}"
        mkdir -p "$(dirname "${folders[$language]}")"
        cp -r "$made" "${folders[$language]}"
        echo "$language: ${folders[$language]}"
    fi
done
exit "$stale"
