# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for the other parts
# Shared by all commands: paths, messages, the lock, the facts of a cluster.
#
# A kind is kafka or cassandra. A cluster is the 1 or 3 nodes of a kind; its file contains their number, the
# ports, and the origin: `up` (runs until `down`) or `run` (stops with the last run).

SERVERS=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
DIR=${MOODVANE_SERVERS_DIR:-${TMPDIR:-/tmp}/moodvane-servers-$UID}
CACHE=${XDG_CACHE_HOME:-${HOME:?needed for the cache, or XDG_CACHE_HOME}/.cache}/moodvane/servers
START_TIMEOUT_S=${MOODVANE_SERVERS_TIMEOUT:-180}
LOCK_TIMEOUT_S=1800
KINDS=(kafka cassandra)

# The kind and nodes of a command; see read_nodes.
KIND=
NODES=()

# The first port of each kind: node i listens on port + i if all nodes share 127.0.0.1.
declare -A PORT=([kafka]=${MOODVANE_SERVERS_KAFKA_PORT:-21090}
    [cassandra]=${MOODVANE_SERVERS_CASSANDRA_PORT:-21042})
declare -A PEER_PORT=([kafka]=${MOODVANE_SERVERS_KAFKA_PEER_PORT:-21190}
    [cassandra]=${MOODVANE_SERVERS_CASSANDRA_PEER_PORT:-21070})

# Messages go to stderr: stdout belongs to the command that `run` runs.
say() { printf 'servers: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Prints the head comment of the command as its help.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

wants_help() { case ${1:-} in -h | --help) usage; exit 0 ;; esac; }

is_kind() { case $1 in kafka | cassandra) ;; *) fail "'$1' is not a kind of server: kafka or cassandra" ;; esac; }

# Creates the folder of data and logs, only for this user.
make_dir() {
    case $DIR$CACHE in *[!A-Za-z0-9._/-]*)
        fail "folders may hold letters, digits and ._/- only: $DIR, $CACHE" ;;
    esac
    (umask 077 && mkdir -p "$DIR")
    [ -O "$DIR" ] || fail "$DIR belongs to another user: set MOODVANE_SERVERS_DIR"
}

# One command at a time changes the servers. Descriptor 9 holds the lock; servers never inherit it.
lock() {
    make_dir
    exec 9>"$DIR/lock"
    flock -n 9 && return 0
    say 'waiting for another command on these servers'
    flock -w "$LOCK_TIMEOUT_S" 9 || fail "no lock within $LOCK_TIMEOUT_S s: check which process holds $DIR/lock"
}
unlock() { exec 9>&-; }

# Prints a fact of a cluster: nodes, port, peer_port or origin. Prints nothing if there is no cluster.
fact() {
    local name value
    [ -f "$DIR/$1/cluster" ] || return 0
    while read -r name value; do
        [ "$name" != "$2" ] || printf '%s' "$value"
    done <"$DIR/$1/cluster"
}

# Writes the facts of a cluster atomically: KIND NODES PORT PEER_PORT ORIGIN
write_facts() {
    mkdir -p "$DIR/$1"
    printf 'nodes %s\nport %s\npeer_port %s\norigin %s\n' "${@:2}" >"$DIR/$1/cluster.new"
    mv "$DIR/$1/cluster.new" "$DIR/$1/cluster"
}

# Replaces @NAME@ in files: fill FILE… NAME=VALUE…
fill() {
    local files=() rules=()
    for word; do
        case $word in
        [A-Z]*=*) rules+=(-e "s|@${word%%=*}@|${word#*=}|g") ;;
        *) files+=("$word") ;;
        esac
    done
    sed "${rules[@]}" "${files[@]}"
}

# Parses --kafka N and --cassandra N into WANT, --need into NEEDED, and the command into REST.
declare -A WANT=([kafka]=1 [cassandra]=1)
REST=()
NEEDED=()
read_wants() {
    while [ $# -gt 0 ]; do
        case $1 in
        --kafka | --cassandra)
            case ${2:-} in 0 | 1 | 3) ;; *) fail "$1 takes 0, 1 or 3, not '${2:-}'" ;; esac
            WANT[${1#--}]=$2
            shift 2
            ;;
        --need)
            [ -n "${2:-}" ] || fail '--need takes the name of a command'
            NEEDED+=("$2")
            shift 2
            ;;
        --)
            REST=("${@:2}")
            return 0
            ;;
        *) fail "'$1' is not an option; see $(basename "$0") --help" ;;
        esac
    done
}
