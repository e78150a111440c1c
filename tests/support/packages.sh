# shellcheck shell=bash
# Which Debian 12 packages are needed, which are missing, and how they come.

# To build the programs and the tests, and to make certificates (openssl).
# shellcheck disable=SC2034 # read by ./dev
build_packages=(
    gcc libc6-dev cmake ninja-build pkgconf python3 openssl
    libgrpc-dev libprotobuf-c-dev protobuf-c-compiler libssl-dev libzstd-dev
    libyaml-dev libxxhash-dev uthash-dev libjansson-dev libedit-dev libmicrohttpd-dev libcmocka-dev
)
# For ./dev test besides: the second compiler, C++ for programs that use the library, the checker of the
# shell scripts and what says which those are, a shell in which words are completed, what connects the
# machines of a test, what brings the stock clients below, gRPC for C++, to try proto/ in it, and what
# builds the image without an engine.
# shellcheck disable=SC2034 # read by ./dev
test_packages=(
    clang g++ shellcheck git zsh iproute2 python3-venv
    protobuf-compiler protobuf-compiler-grpc libgrpc++-dev libprotobuf-dev
    buildah debootstrap
)
# Node for one of those clients. Debian's, unless there is another one, which brings its own npm.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    test_packages+=(nodejs npm)
fi
# For ./dev long besides: the checker of memory.
# shellcheck disable=SC2034 # read by ./dev
long_packages=(valgrind)

# Prints those of the packages named that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            echo "$package"
        fi
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "./dev: installing needs root or sudo; run as root: $*" >&2
        return 1
    fi
}

# require_packages yes|no PACKAGE...: installs what is missing, or with "no" names it and fails.
require_packages() {
    local may_install=$1 missing
    shift
    command -v dpkg-query >/dev/null || return 0 # Not Debian: CMake says what it does not find.
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$may_install" = no ]; then
        echo "./dev: these packages are missing: ${missing[*]}" >&2
        echo "./dev: install them with: apt-get install ${missing[*]}" >&2
        return 1
    fi
    echo "Installing with apt: ${missing[*]}"
    as_root apt-get -q update </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y install --no-install-recommends "${missing[@]}" </dev/null
}

# require_python yes|no: build/python with the packages of requirements.txt, which Debian does not
# have or has without each other; made anew when that list changes.
require_python() {
    local list=tests/support/requirements.txt made=build/python/made-from
    if [ -x build/python/bin/python ] && cmp -s "$list" "$made"; then
        return 0
    fi
    if [ "$1" = no ]; then
        echo "./dev: build/python is missing or old; ./dev test without --no-install makes it" >&2
        return 1
    fi
    echo "Installing with pip into build/python: $(grep -v '^#' "$list" | tr '\n' ' ')"
    rm -rf build/python
    python3 -m venv build/python
    build/python/bin/pip install -q --disable-pip-version-check -r "$list" </dev/null
    cp "$list" "$made"
}

# require_node yes|no: build/node with the packages of tests/integration/node, as its lock file says;
# made anew when that changes.
require_node() {
    local from=tests/integration/node made=build/node/made-from
    if [ -d build/node/node_modules ] && cmp -s "$from/package-lock.json" "$made"; then
        return 0
    fi
    if [ "$1" = no ]; then
        echo "./dev: build/node is missing or old; ./dev test without --no-install makes it" >&2
        return 1
    fi
    echo "Installing with npm into build/node: what $from/package-lock.json names"
    rm -rf build/node
    mkdir -p build/node
    cp "$from/package.json" "$from/package-lock.json" build/node
    npm ci --silent --ignore-scripts --no-audit --no-fund --prefix build/node </dev/null
    cp "$from/package-lock.json" "$made"
}
