# shellcheck shell=bash
# The base images: pulled, or built here under the same names if no registry is reachable.

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Provides an image: pulls it, or builds it with FUNCTION: need_image NAME FUNCTION
need_image() {
    has_image "$1" && return 0
    if [ -z "${MOODVANE_ENGINE_NO_PULL:-}" ] && timeout 300 docker pull -q "$1" >"$DIR/pull.log" 2>&1; then
        say "pulled $1"
        return 0
    fi
    say "cannot pull $1 ($(tail -n 1 "$DIR/pull.log" 2>/dev/null | cut -c1-90)): building it"
    "$2" || fail "cannot build $1"
    say "built $1, $(docker image inspect -f '{{.Size}}' "$1" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
}

# Prints the Debian mirror that this machine uses.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }
             $1 == "URIs:" { print $2; exit }'
}

# Builds Debian like its slim image: the minimal set of packages, no manuals, apt ready for use. It trusts the
# machine's additional certificate authorities.
make_base() {
    local root=$DIR/rootfs mirror
    need debootstrap debootstrap
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail 'the apt sources contain no mirror'
    rm -rf "$root"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$DIR/debootstrap.log" 2>&1 || {
        tail -n 5 "$DIR/debootstrap.log" >&2
        return 1
    }
    for suite in bookworm bookworm-updates; do printf 'deb %s %s main\n' "$mirror" "$suite"; done >"$root/etc/apt/sources.list"
    printf 'deb %s-security bookworm-security main\n' "$mirror" >>"$root/etc/apt/sources.list"
    # dpkg skips documentation and starts no service.
    printf 'path-exclude=/usr/share/%s/*\n' man info locale lintian >"$root/etc/dpkg/dpkg.cfg.d/slim"
    printf 'path-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n' >>"$root/etc/dpkg/dpkg.cfg.d/slim"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null || true
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$root"/usr/share/{man,info,locale}/* "$root"/var/cache/apt/*.bin \
        "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
        "$root"/etc/resolv.conf "$root"/etc/hostname
    tar -C "$root" --numeric-owner -cf - . | docker import -c 'CMD ["bash"]' - "$BASE" >/dev/null
    rm -rf "$root"
}

# Builds Rust like its image: rustup's layout below /usr/local, with this machine's toolchain, and the
# compilers for C dependencies.
make_rust() {
    local context=$DIR/rust toolchain sysroot
    need_image "$BASE" make_base
    command -v rustup >/dev/null || fail "$RUST is built from this machine's rustup, which is missing"
    sysroot=$(rustup run 1.95.0 rustc --print sysroot)
    toolchain=$(basename "$sysroot")
    rm -rf "$context"
    mkdir -p "$context/rustup/toolchains/$toolchain" "$context/cargo/bin"
    # Not share/: it is mostly documentation.
    cp -r "$sysroot"/{bin,lib} "$context/rustup/toolchains/$toolchain/"
    cp "$(command -v rustup)" "$context/cargo/bin/rustup"
    for name in cargo rustc rustdoc; do ln -s rustup "$context/cargo/bin/$name"; done
    printf 'version = "12"\ndefault_toolchain = "%s"\nprofile = "minimal"\n' "$toolchain" >"$context/rustup/settings.toml"
    cat >"$context/Dockerfile" <<DOCKERFILE
FROM $BASE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \\
        ca-certificates g++ gcc git libc6-dev make perl pkg-config zlib1g-dev >/dev/null && \\
    rm -rf /var/lib/apt/lists/*
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo RUST_VERSION=1.95.0 \\
    PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY rustup /usr/local/rustup
COPY cargo /usr/local/cargo
RUN rustc --version && cargo --version
DOCKERFILE
    docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
    docker build -q --force-rm -t "$RUST" "$context" >/dev/null 2>"$DIR/rust.log" || {
        tail -n 20 "$DIR/rust.log" >&2
        return 1
    }
    rm -rf "$context"
}
