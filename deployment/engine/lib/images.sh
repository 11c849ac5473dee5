# shellcheck shell=bash
# The base images: pulled, or where no registry is reached, made here under the same names.

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Sees to an image: pulls it, or has FUNCTION make it: need_image NAME FUNCTION
need_image() {
    has_image "$1" && return 0
    if [ -z "${MOODVANE_ENGINE_NO_PULL:-}" ] && timeout 300 docker pull -q "$1" >"$DIR/pull.log" 2>&1; then
        say "$1 is pulled"
        return 0
    fi
    say "$1 cannot be pulled ($(tail -n 1 "$DIR/pull.log" 2>/dev/null | cut -c1-90)): it is made here"
    "$2" || fail "$1 could not be made"
    say "$1 is made, $(docker image inspect -f '{{.Size}}' "$1" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
}

# The mirror of Debian's that this machine uses.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }
             $1 == "URIs:" { print $2; exit }'
}

# Debian as its slim image has it: the least set of packages, no manuals, apt ready for use. It trusts the
# authorities that this machine was told to trust besides Debian's own.
make_base() {
    local root=$DIR/rootfs mirror
    need debootstrap debootstrap
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail 'the sources of apt name no mirror'
    rm -rf "$root"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$DIR/debootstrap.log" 2>&1 || {
        tail -n 5 "$DIR/debootstrap.log" >&2
        return 1
    }
    for suite in bookworm bookworm-updates; do printf 'deb %s %s main\n' "$mirror" "$suite"; done >"$root/etc/apt/sources.list"
    printf 'deb %s-security bookworm-security main\n' "$mirror" >>"$root/etc/apt/sources.list"
    # dpkg leaves out what a container has no reader for, and starts no service.
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

# Rust as its image has it: rustup's layout below /usr/local, from this machine's own toolchain, and what
# C dependencies are compiled with.
make_rust() {
    local context=$DIR/rust toolchain sysroot
    need_image "$BASE" make_base
    command -v rustup >/dev/null || fail "$RUST is made from this machine's rustup, which is absent"
    sysroot=$(rustup run 1.95.0 rustc --print sysroot)
    toolchain=$(basename "$sysroot")
    rm -rf "$context"
    mkdir -p "$context/rustup/toolchains/$toolchain" "$context/cargo/bin"
    # Not share/: it is mostly the documentation.
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
