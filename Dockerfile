# One replica and its command line; `./dev image` builds it. coordd/README.md says how to run it.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
# The build packages of tests/support/packages.sh, and ccache for whoever builds more than once.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    gcc libc6-dev cmake ninja-build pkgconf python3 openssl \
    libgrpc-dev libprotobuf-c-dev protobuf-c-compiler libssl-dev libzstd-dev \
    libyaml-dev libxxhash-dev uthash-dev libjansson-dev libedit-dev libmicrohttpd-dev libcmocka-dev \
    ccache
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake -S . -B build -G Ninja -DCMAKE_C_COMPILER_LAUNCHER=ccache \
    && ninja -C build \
    && ctest --test-dir build -L unit --parallel 2 --output-on-failure \
    && cmake --install build --strip --prefix /opt/coord \
    && rm -rf build

FROM ${BASE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    libgrpc29 libprotobuf-c1 libssl3 libzstd1 libyaml-0-2 libxxhash0 libmicrohttpd12 libjansson4 libedit2 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/coord
COPY --from=build /opt/coord/bin/coordd /opt/coord/bin/coordctl /usr/local/bin/
LABEL org.opencontainers.image.title="coordd" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
# All that is ever written; the root file system can be read-only.
VOLUME /var/lib/coord
# Clients, other replicas, probes.
EXPOSE 7420 7421 7422
# Alive, not ready: a replica without a majority waits for it, and a restart would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "-c", "\
listen=${COORDD_HTTP_LISTEN:-7422} && \
exec 3<>/dev/tcp/127.0.0.1/${listen##*:} && printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3 && \
read -r version code text <&3 && [ $code = 200 ]"]
ENTRYPOINT ["coordd"]
