# shellcheck shell=bash
# ./dev image: the image of Dockerfile, by docker or, where no daemon of it answers, by buildah, which
# needs none. Both keep their layers, so that a second build installs nothing.

image_base=debian:bookworm-slim
# What stands in for that where no registry can be reached; made once and then found by its name.
image_base_made=localhost/debian:bookworm-minbase

# write_host_apt FOLDER: apt as this machine has it, its mirrors and proxies. A build has it in place of
# /etc/apt while it runs; no layer does. Of the sources only Debian's: the image has no other keys.
write_host_apt() {
    local key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    mkdir -p "$1/apt.conf.d" "$1/preferences.d"
    touch "$1/sources.list"
    if command -v apt-config >/dev/null; then
        apt-config dump Acquire | grep -E '^Acquire::(https?|Check-[A-Za-z-]+|Retries)\b' \
            >"$1/apt.conf.d/host" || true
        apt-get indextargets --format "deb $key \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
            'Created-By: Packages' 'Origin: Debian' | grep ' bookworm' | sort -u \
            >"$1/sources.list" || true
    fi
    [ -s "$1/sources.list" ] || debian_sources >"$1/sources.list"
}

debian_sources() {
    local archive=http://deb.debian.org
    echo "deb $archive/debian bookworm main"
    echo "deb $archive/debian bookworm-updates main"
    echo "deb $archive/debian-security bookworm-security main"
}

# make_base SOURCES SCRATCH: imports a base of debootstrap, as lean as the one of the registry.
make_base() {
    local mirror proxy='' root=$2/root tar=$2/base.tar container
    mirror=$(grep -o '[^ ]*://[^ ]* bookworm ' "$1" | head -n 1)
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    echo "Making $image_base_made with debootstrap, once on this machine"
    as_root env ${proxy:+"http_proxy=$proxy"} \
        debootstrap --variant=minbase bookworm "$root" "${mirror% bookworm }" >"$2/debootstrap.log" || {
        tail -n 20 "$2/debootstrap.log" >&2
        return 1
    }
    debian_sources | as_root tee "$root/etc/apt/sources.list" >/dev/null
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man |
        as_root tee "$root/etc/dpkg/dpkg.cfg.d/lean" >/dev/null
    # debootstrap puts this machine's name and name servers there.
    as_root tar -C "$root" --exclude='./etc/hostname' --exclude='./etc/resolv.conf' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/man/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        --exclude='./var/log/*' -cf "$tar" .
    as_root rm -rf --one-file-system "$root"
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$tar" / >/dev/null
    buildah config --cmd bash "$container"
    buildah commit --quiet --rm "$container" "$image_base_made" >/dev/null
}

# Sets `base` to an image that is here.
find_base() {
    local image
    for image in "$image_base" "$image_base_made"; do
        if buildah inspect --type image "$image" >/dev/null 2>&1; then
            base=$image
            return
        fi
    done
    if timeout 120 buildah pull --quiet "docker.io/library/$image_base" >/dev/null 2>"$1/pull.log"; then
        base=$image_base
        return
    fi
    echo "$image_base cannot be pulled: $(tail -n 1 "$1/pull.log")"
    # shellcheck disable=SC2154 # take_install_option sets it
    require_packages "$install" debootstrap
    make_base "$1/apt/sources.list" "$1"
    base=$image_base_made
}

image_id() {
    buildah images --quiet --no-trunc "$1" 2>/dev/null || true
}

has_no_name() {
    buildah images --quiet --no-trunc --filter dangling=true | grep -qx "$1"
}

# build_stage TAG [OPTION...]: takes the place of the former image of that name.
build_stage() {
    local name=$1 former
    shift
    former=$(image_id "$name")
    # Docker's format has the health check, OCI's has none.
    buildah build --isolation chroot --format docker --layers --pull-never \
        --volume "$scratch/apt:/etc/apt:ro" --build-arg "BASE=$base" --tag "$name" "$@" .
    if [ -n "$former" ] && has_no_name "$former"; then
        buildah rmi "$former" >/dev/null 2>&1 || true # a container may still use it
    fi
}

image_by_buildah() {
    local scratch tag=$1 base=$2
    require_packages "$install" buildah
    scratch=$(mktemp -d /var/tmp/coord-image.XXXXXX)
    # shellcheck disable=SC2064 # where it is now
    trap "rm -rf '$scratch'" EXIT
    mkdir "$scratch/apt"
    write_host_apt "$scratch/apt"
    if [ -z "$base" ]; then
        find_base "$scratch"
    else
        buildah pull --policy missing --quiet "$base" >/dev/null || {
            echo "./dev: the base $base is not on this machine and cannot be pulled;" \
                "name another one with --base, or none" >&2
            return 1
        }
    fi
    build_stage "${tag%:*}-build:${tag##*:}" --target build
    build_stage "$tag"
}

docker_answers() {
    command -v docker >/dev/null && timeout 20 docker version >/dev/null 2>&1
}

image_by_docker() {
    docker_answers || {
        echo "./dev: docker's daemon does not answer; start it, or use --engine buildah" >&2
        return 1
    }
    DOCKER_BUILDKIT=1 docker build --build-arg "BASE=${2:-$image_base}" --tag "$1" .
}

command_image() {
    local engine='' base='' tag
    take_install_option "$@"
    set -- "${rest[@]}"
    tag=coordd:$(sed -n 's/^project(coord VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
    while [ $# -gt 0 ]; do
        case $1 in
        --engine | --base | --tag) [ -n "${2:-}" ] || usage_error "image $1 needs a value" ;;
        *) usage_error "unknown argument $1" ;;
        esac
        case $1 in
        --engine) engine=$2 ;;
        --base) base=$2 ;;
        --tag) tag=$2 ;;
        esac
        shift 2
    done
    case ${tag##*/} in
    *:*) ;;
    *) tag=$tag:latest ;;
    esac
    if [ -z "$engine" ]; then
        engine=buildah
        if docker_answers; then engine=docker; fi
    fi
    case $engine in
    docker | buildah) "image_by_$engine" "$tag" "$base" ;;
    *) usage_error "image --engine is docker or buildah, not $engine" ;;
    esac
    echo "Built $tag with $engine"
}
