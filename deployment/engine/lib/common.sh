# shellcheck shell=bash
# Shared by the engine's commands: paths, messages, process checks.

DIR=${MOODVANE_ENGINE_DIR:-/var/lib/moodvane-engine}
SOCKET=$DIR/docker.sock
START_TIMEOUT_S=${MOODVANE_ENGINE_TIMEOUT:-60}
# shellcheck disable=SC2034 # for the commands
BASE=debian:bookworm-slim
# shellcheck disable=SC2034
RUST=rust:1.95-bookworm

# Messages go to stderr: stdout contains only code for `eval`.
say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Prints the head comment of the command as its help.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Whether an engine responds: answers [HOST]; by default the engine that plain `docker` uses.
answers() { DOCKER_HOST=${1-${DOCKER_HOST-}} timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Prints the pid of a live process from its pid file, if it runs the given program: live FILE PROGRAM. A
# zombie is not alive, although it still has its pid.
live() {
    local pid name state
    # Not $(<…): a missing file would exit the shell.
    pid=$(cat "$1" 2>/dev/null) || return 1
    name=$(cat "/proc/$pid/comm" 2>/dev/null) || return 1
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
    [ "$name" = "$2" ] && [ "$state" != Z ] && printf '%s' "$pid"
}

# Waits until a command fails: gone SECONDS COMMAND…
gone() {
    local until=$((SECONDS + $1))
    while "${@:2}" >/dev/null; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}

# Stops a process by its pid file, with SIGTERM, then SIGKILL: end FILE PROGRAM
end() {
    local pid
    pid=$(live "$1" "$2") || return 0
    kill -TERM "$pid" 2>/dev/null || true
    gone 20 live "$1" "$2" && return 0
    kill -KILL "$pid" 2>/dev/null || true
    gone 10 live "$1" "$2" || fail "$2 still runs after SIGKILL"
}

need_root() { [ "$UID" = 0 ] || fail "$1 needs root"; }

# Installs Debian packages for a missing program, and records them for `down --packages`:
# need PROGRAM PACKAGE…
need() {
    local program=$1 new
    shift
    command -v "$program" >/dev/null && return 0
    need_root "installing $program"
    [ -f /etc/debian_version ] && command -v apt-get >/dev/null ||
        fail "$program is missing: install it (on Debian: apt-get install $*)"
    say "$program is missing: apt-get install $*"
    new=$(mktemp)
    {
        apt-get -qq update &&
            apt-get -s install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p' >"$new" &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
    } >"$DIR/apt.log" 2>&1 </dev/null || {
        tail -n 20 "$DIR/apt.log" >&2
        rm -f "$new"
        fail "apt-get cannot install $*: install them manually"
    }
    cat "$new" >>"$DIR/packages"
    rm -f "$new"
}

# Removes the bridges and firewall rules that an engine leaves behind.
remove_network() {
    local table chain rule device
    # Another engine on this machine needs them.
    ! pgrep --runstates DRST -x dockerd >/dev/null || { say 'another dockerd runs: keeping bridges and rules'; return 0; }
    for device in /sys/class/net/docker0 /sys/class/net/br-????????????; do
        [ ! -e "$device/bridge" ] || ip link delete "$(basename "$device")"
    done
    command -v iptables-save >/dev/null || return 0
    for table in nat filter; do
        # First the rules that refer to the engine's chains, then the chains.
        iptables-save -t "$table" | sed -n 's/^-A \(.*\(DOCKER\|docker0\|br-[0-9a-f]\{12\}\).*\)$/\1/p' |
            while read -r rule; do
                xargs iptables -t "$table" -D <<<"$rule" 2>/dev/null || true
            done
        for chain in $(iptables-save -t "$table" | sed -n 's/^:\(DOCKER[^ ]*\) .*/\1/p'); do
            iptables -t "$table" -F "$chain" && iptables -t "$table" -X "$chain" || true
        done
    done
    iptables -P FORWARD "$(cat "$DIR/forward" 2>/dev/null || echo ACCEPT)"
}

# Stops the engine that `up` started, and its containers.
stop_engine() {
    local was_up
    was_up=$(live "$DIR/pid" dockerd || true)
    [ -z "$was_up" ] || {
        need_root 'stopping an engine'
        docker --host "unix://$SOCKET" ps --quiet | xargs -r docker --host "unix://$SOCKET" kill >/dev/null || true
    }
    end "$DIR/pid" dockerd
    end "$DIR/exec/containerd/containerd.pid" containerd
    [ -z "$was_up" ] || {
        remove_network
        say 'engine stopped'
    }
}
