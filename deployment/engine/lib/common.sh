# shellcheck shell=bash
# What the engine's commands share: where it lies, how they speak, whether it runs.

DIR=${MOODVANE_ENGINE_DIR:-/var/lib/moodvane-engine}
SOCKET=$DIR/docker.sock
PATIENCE=${MOODVANE_ENGINE_TIMEOUT:-60}
# shellcheck disable=SC2034 # for the commands
BASE=debian:bookworm-slim
# shellcheck disable=SC2034
RUST=rust:1.95-bookworm

# All that is said goes to stderr: stdout is for what a shell is to evaluate.
say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Prints the head comment of the command as its help.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Whether an engine answers: answers [HOST]; the one that a plain `docker` asks where none is named.
answers() { DOCKER_HOST=${1-${DOCKER_HOST-}} timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# The pid of a live process by its pid file, if it is the program that we mean: live FILE PROGRAM. A
# zombie is not alive, though it still has its pid.
live() {
    local pid name state
    # Not by $(<…): where the file is gone, that ends the shell.
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

# Ends a process by its pid file, kindly and then not: end FILE PROGRAM
end() {
    local pid
    pid=$(live "$1" "$2") || return 0
    kill -TERM "$pid" 2>/dev/null || true
    gone 20 live "$1" "$2" && return 0
    kill -KILL "$pid" 2>/dev/null || true
    gone 10 live "$1" "$2" || fail "$2 outlives SIGKILL"
}

need_root() { [ "$UID" = 0 ] || fail "$1 needs root"; }

# Installs Debian's packages for a program that is absent, and notes which, so that `down --packages` can
# remove them: need PROGRAM PACKAGE…
need() {
    local program=$1 new
    shift
    command -v "$program" >/dev/null && return 0
    need_root "installing $program"
    [ -f /etc/debian_version ] && command -v apt-get >/dev/null ||
        fail "$program is absent: install it (on Debian: apt-get install $*)"
    say "$program is absent: apt-get install $*"
    new=$(mktemp)
    {
        apt-get -qq update &&
            apt-get -s install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p' >"$new" &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
    } >"$DIR/apt.log" 2>&1 </dev/null || {
        tail -n 20 "$DIR/apt.log" >&2
        rm -f "$new"
        fail "apt-get could not install $*: install them by hand"
    }
    cat "$new" >>"$DIR/packages"
    rm -f "$new"
}

# The bridges and the rules that an engine leaves behind when it ends.
remove_network() {
    local table chain rule device
    # Another engine of this machine would miss them.
    ! pgrep --runstates DRST -x dockerd >/dev/null || { say 'another dockerd runs: its bridges and rules are left'; return 0; }
    for device in /sys/class/net/docker0 /sys/class/net/br-????????????; do
        [ ! -e "$device/bridge" ] || ip link delete "$(basename "$device")"
    done
    command -v iptables-save >/dev/null || return 0
    for table in nat filter; do
        # First what refers to the engine's chains, then they themselves.
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

# Ends our own engine and what it runs, where it runs.
stop_engine() {
    local was_up
    was_up=$(live "$DIR/pid" dockerd || true)
    [ -z "$was_up" ] || {
        need_root 'ending an engine'
        docker --host "unix://$SOCKET" ps --quiet | xargs -r docker --host "unix://$SOCKET" kill >/dev/null || true
    }
    end "$DIR/pid" dockerd
    end "$DIR/exec/containerd/containerd.pid" containerd
    [ -z "$was_up" ] || {
        remove_network
        say 'the engine has ended'
    }
}
