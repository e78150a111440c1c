# shellcheck shell=bash
# Configuring and building with CMake and Ninja; every tree is a folder of build/.

# configure_tree NAME [CMAKE_OPTION...]
configure_tree() {
    local tree=build/$1
    shift
    if command -v ccache >/dev/null; then
        set -- -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@"
    fi
    cmake -S . -B "$tree" -G Ninja "$@"
}

# build_tree NAME TARGET...: quiet when it works, everything that was said when it does not.
build_tree() {
    local name=$1 log=build/$1.log started=$SECONDS
    shift
    mkdir -p build
    echo "Building $* in build/$name"
    if ! { configure_tree "$name" -DCMAKE_C_COMPILER=gcc && ninja -C "build/$name" "$@"; } \
        >"$log" 2>&1; then
        cat "$log" >&2
        echo "./dev: the build failed" >&2
        return 1
    fi
    echo "Built in $((SECONDS - started)) s"
}
