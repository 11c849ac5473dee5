# shellcheck shell=bash
# The processes of nodes: start, identification, signals.
#
# A pid may be reused by another process. The pid with the kernel's start time is unique.

pid_file() { printf '%s' "$DIR/$1/$2/pid"; }
log_file() { printf '%s' "$DIR/logs/$1-$2.log"; }

# Prints the state letter and the start time of a process, or nothing.
process_facts() {
    local stat fields
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    read -ra fields <<<"${stat##*) }"
    printf '%s %s' "${fields[0]}" "${fields[19]}"
}

# Prints the pid of a node's live process; fails if there is none.
node_pid() {
    local pid began letter now
    [ -f "$(pid_file "$1" "$2")" ] || return 1
    read -r pid began <"$(pid_file "$1" "$2")"
    read -r letter now <<<"$(process_facts "$pid")"
    [ "$began" = "$now" ] && [ "$letter" != Z ] && [ "$letter" != X ] && printf '%s' "$pid"
}

# Prints running, paused or gone.
node_state() {
    local pid
    pid=$(node_pid "$1" "$2") || { printf gone; return 0; }
    case $(process_facts "$pid") in T*) printf paused ;; *) printf running ;; esac
}

# Starts a node's process in a separate session, so that Ctrl-C does not reach it:
# launch KIND NODE COMMAND…
launch() {
    local kind=$1 node=$2 log pid
    log=$(log_file "$kind" "$node")
    mkdir -p "$DIR/logs"
    pid=$(
        setsid "${@:3}" >>"$log" 2>&1 </dev/null 7>&- 8>&- 9>&- &
        printf '%s' "$!"
    )
    printf '%s %s\n' "$pid" "$(process_facts "$pid" | cut -d' ' -f2)" >"$(pid_file "$kind" "$node")"
}

# Sends a signal to a node; fails if its process does not run.
signal_node() {
    local pid
    pid=$(node_pid "$2" "$3") || { say "$2 $3 does not run"; return 1; }
    kill -s "$1" "$pid" 2>/dev/null || ! node_pid "$2" "$3" >/dev/null
}

# Waits until a node is gone: await_gone KIND NODE SECONDS
await_gone() {
    local until=$((SECONDS + $3))
    while node_pid "$1" "$2" >/dev/null; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.05
    done
}

# Kills nodes, as in a crash: end_nodes KIND NODE…
end_nodes() {
    local node
    for node in "${@:2}"; do
        node_pid "$1" "$node" >/dev/null || continue
        signal_node KILL "$1" "$node"
    done
    for node in "${@:2}"; do
        await_gone "$1" "$node" 20 || fail "$1 $node still runs after SIGKILL"
    done
}

# Prints the resident memory of a process in MiB.
memory_mib() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$1/status" 2>/dev/null || true; }
