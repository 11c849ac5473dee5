# shellcheck shell=bash
# Clusters: start, repair, readiness, stop.

# Prints the numbers of a cluster's nodes, or nothing.
nodes_of() { seq 1 "$(fact "$1" nodes)" 2>/dev/null || true; }

# Prints the addresses of all nodes, comma-separated: addresses KIND [_secure]
addresses() {
    local node list=''
    for node in $(nodes_of "$1"); do list+=${list:+,}$("$1${2:-}_address" "$node"); done
    printf '%s' "$list"
}

# Prints the variables that tests read, as export lines.
print_exports() {
    local kind list
    for kind in "${KINDS[@]}"; do
        list=$(addresses "$kind")
        [ -z "$list" ] || printf 'export MOODVANE_TEST_%s=%s\n' "${kind^^}" "$list"
    done
    list=$(addresses kafka _secure)
    [ -z "$list" ] || printf 'export MOODVANE_TEST_KAFKA_SECURE=%s\n' "$list"
    [ -z "$(fact kafka nodes)$(fact cassandra nodes)" ] || printf 'export MOODVANE_TEST_CA=%s\n' "$(ca_file)"
}

# Whether any node of a kind is alive.
any_alive() {
    local node
    for node in $(nodes_of "$1"); do
        node_pid "$1" "$node" >/dev/null && return 0
    done
    return 1
}

# Sets JVM_FLAGS: TEST ONLY, for a fast start rather than for throughput.
set_jvm_flags() {
    local archive extra
    JVM_FLAGS=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError "${TRAINING[@]}")
    archive=$(archive_file "$1")
    [ ! -f "$archive" ] || JVM_FLAGS+=("-XX:SharedArchiveFile=$archive")
    read -ra extra <<<"${MOODVANE_SERVERS_JAVA_OPTS:-}"
    JVM_FLAGS+=("${extra[@]}")
}
TRAINING=()

# Starts stopped nodes and resumes paused ones: start_nodes KIND NODE…
start_nodes() {
    local kind=$1 node address
    set_jvm_flags "$kind"
    need_certificate
    for node in "${@:2}"; do
        case $(node_state "$kind" "$node") in
        running) continue ;;
        paused) signal_node CONT "$kind" "$node"; continue ;;
        esac
        for address in $("${kind}_ports" "$node"); do
            ! listens "${address%:*}" "${address#*:}" ||
                fail "$address is in use, but $kind $node needs it: free it, or set MOODVANE_SERVERS_${kind^^}_PORT"
        done
        "${kind}_configure" "$node"
        "${kind}_command" "$node"
        launch "$kind" "$node" "${COMMAND[@]}"
        # Two nodes that replace themselves at once conflict.
        [ ! -f "$DIR/$kind/$node/replaces" ] || {
            await "$kind" answers "$node"
            rm "$DIR/$kind/$node/replaces"
        }
    done
}

# Waits until each of the nodes passes a check: await KIND CHECK NODE…
await() {
    local kind=$1 check=$2 node until=$((SECONDS + START_TIMEOUT_S))
    for node in "${@:3}"; do
        until "${kind}_$check" "$node"; do
            node_pid "$kind" "$node" >/dev/null || no_answer "$kind" "$node" 'has exited'
            [ "$SECONDS" -lt "$until" ] || no_answer "$kind" "$node" "is not ready after $START_TIMEOUT_S s"
            sleep 0.1
        done
    done
}

no_answer() {
    tail -n 20 "$(log_file "$1" "$2")" >&2
    fail "$1 $2 $3; its log: $(log_file "$1" "$2")"
}

# Starts the nodes that WANT requests and that do not run, both kinds at once: bring_up ORIGIN
bring_up() {
    local kind began=$SECONDS
    for kind in "${KINDS[@]}"; do
        [ "${WANT[$kind]}" = 0 ] || cluster_start "$kind" "${WANT[$kind]}" "$1"
    done
    for kind in "${KINDS[@]}"; do
        [ "${WANT[$kind]}" != 0 ] || continue
        # shellcheck disable=SC2046 # numbers of nodes, one word each
        await "$kind" serves $(nodes_of "$kind")
        await "$kind" has_users 1
        say "$kind serves at $(addresses "$kind") (after $((SECONDS - began)) s)"
    done
}

# Starts a kind's nodes, with Java, jars and archive: cluster_start KIND NODES ORIGIN
cluster_start() {
    local kind=$1 want=$2 origin=$3 have
    have=$(fact "$kind" nodes)
    if [ -n "$have" ] && [ "$have" != "$want" ] && ! any_alive "$kind"; then
        cluster_down "$kind"
        have=
    fi
    [ "${have:-$want}" -ge "$want" ] ||
        fail "$kind runs with $have node, but $want are requested: stop it first (deployment/servers/down $kind)"
    [ "${have:-$want}" = "$want" ] || say "using $kind, which runs with $have nodes"
    need_java
    need_jars "$kind"
    any_alive "$kind" || need_archive "$kind"
    if [ -z "$have" ]; then
        rm -f "$DIR/logs/$kind"-*.log
        write_facts "$kind" "$want" "${PORT[$kind]}" "${PEER_PORT[$kind]}" "$origin"
    elif [ "$origin" = up ]; then
        write_facts "$kind" "$have" "$(fact "$kind" port)" "$(fact "$kind" peer_port)" up
    fi
    # shellcheck disable=SC2046 # numbers of nodes, one word each
    start_nodes "$kind" $(nodes_of "$kind")
}

# Stops a kind's nodes and deletes its data. The logs stay until the next start.
cluster_down() {
    # shellcheck disable=SC2046 # numbers of nodes, one word each
    end_nodes "$1" $(nodes_of "$1")
    rm -rf "${DIR:?}/$1"
}

# Creates the class data archive, which halves the start time. A node runs once for it, in a separate
# folder. Without an archive servers start more slowly.
need_archive() {
    [ -f "$(archive_file "$1")" ] || with_cache make_archive "$1" ||
        say "$1: cannot create the class data archive, the start takes longer; see $DIR/training/logs"
}

make_archive() {
    local archive
    archive=$(archive_file "$1")
    [ ! -f "$archive" ] || return 0
    say "$1: creating the class data archive: once, about half a minute"
    (train "$1" "$archive.new") || return 1
    mv "$archive.new" "$archive"
    rm -rf "$DIR/training"
}

# The JVM writes the archive when the node exits: train KIND FILE
train() {
    DIR=$DIR/training
    TRAINING=("-XX:ArchiveClassesAtExit=$2")
    cluster_down "$1" # left over from a killed training
    rm -f "$2"
    # shellcheck disable=SC2064 # the kind as it is now
    trap "cluster_down $1" EXIT
    write_facts "$1" 1 "${PORT[$1]}" "${PEER_PORT[$1]}" run
    start_nodes "$1" 1
    await "$1" serves 1
    signal_node TERM "$1" 1
    await_gone "$1" 1 "$START_TIMEOUT_S" && [ -f "$2" ]
}

# Parses KIND [NODE…] into KIND and NODES; the default is all nodes.
read_nodes() {
    local node
    [ $# -gt 0 ] || fail "KIND is missing; see $(basename "$0") --help"
    is_kind "$1"
    KIND=$1
    [ -n "$(fact "$KIND" nodes)" ] || fail "$KIND does not run: deployment/servers/up"
    NODES=("${@:2}")
    [ $# -gt 1 ] || mapfile -t NODES < <(nodes_of "$KIND")
    for node in "${NODES[@]}"; do
        grep -qxF -- "$node" <(nodes_of "$KIND") || fail "no node '$node' of $KIND; nodes: $(nodes_of "$KIND" | xargs)"
    done
}
