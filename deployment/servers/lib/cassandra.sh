# shellcheck shell=bash
# Cassandra: its configuration, its command, and whether it answers. Node i is on 127.0.0.i.

# The nodes' tokens, evenly spread over the ring.
CASSANDRA_TOKENS=(-9223372036854775808 -3074457345618258603 3074457345618258602)

cassandra_address() { printf '127.0.0.%s:%s' "$1" "$(fact cassandra port)"; }
cassandra_ports() { printf '%s\n' "$(cassandra_address "$1")" "127.0.0.$1:$(fact cassandra peer_port)"; }

# Prints the nodes that a node asks for the members of the cluster, comma-separated. A node that replaces itself
# asks only nodes that never lost their data: another replaced node may not have heard of it yet, and if
# that one answers first, the node exits.
cassandra_seeds() {
    local i all='' kept=''
    for i in $(nodes_of cassandra); do
        all+=${all:+,}127.0.0.$i:$(fact cassandra peer_port)
        [ -f "$DIR/cassandra/$i/wiped" ] || kept+=${kept:+,}127.0.0.$i:$(fact cassandra peer_port)
    done
    [ -f "$DIR/cassandra/$1/replaces" ] || kept=
    printf '%s' "${kept:-$all}"
}

cassandra_configure() {
    local home=$DIR/cassandra/$1
    mkdir -p "$home/tmp"
    fill "$SERVERS"/cassandra/{cassandra,secure,test-only}.yaml "NODE=$1" "AUTHENTICATOR=$(cassandra_authenticator)" "KEYSTORE=$(keystore)" \
        "KEYSTORE_PASSWORD=$KEYSTORE_PASSWORD" "SEEDS=$(cassandra_seeds "$1")" \
        "TOKEN=${CASSANDRA_TOKENS[$1 - 1]}" "PORT=$(fact cassandra port)" \
        "PEER_PORT=$(fact cassandra peer_port)" >"$home/cassandra.yaml"
}

# Sets COMMAND to the command line of a node.
# shellcheck disable=SC2034 # for cluster.sh
cassandra_command() {
    local heap=${MOODVANE_SERVERS_CASSANDRA_HEAP:-256m} home=$DIR/cassandra/$1
    local replace=()
    [ ! -f "$home/replaces" ] ||
        replace=("-Dcassandra.replace_address_first_boot=127.0.0.$1" -Dcassandra.allow_unsafe_replace=true)
    COMMAND=("$JAVA" "@$SERVERS/cassandra/jvm17.options" "@$SERVERS/cassandra/jvm-test-only.options"
        "-Xms$heap" "-Xmx$heap" -XX:MaxDirectMemorySize=256m "${JVM_FLAGS[@]}"
        -XX:+UnlockDiagnosticVMOptions -XX:+AllowArchivingWithJavaAgent
        "-javaagent:$(echo "$(jars_dir cassandra)"/lib/jamm-*.jar)"
        "-Dcassandra.config=file://$home/cassandra.yaml" "-Dcassandra.storagedir=$home/data"
        "-Dcassandra.logdir=$home" "-Dlogback.configurationFile=file:$SERVERS/cassandra/logback.xml"
        "-Djava.io.tmpdir=$home/tmp" "-Djna.tmpdir=$home/tmp" -Dcassandra-foreground=yes
        "${replace[@]}" -cp "$(class_path cassandra)" org.apache.cassandra.service.CassandraDaemon)
}

# No authentication, or with MOODVANE_SERVERS_CASSANDRA_LOGIN user and password cassandra.
cassandra_authenticator() {
    [ -n "${MOODVANE_SERVERS_CASSANDRA_LOGIN:-}" ] && printf 'PasswordAuthenticator' || printf 'AllowAllAuthenticator'
}

# Sends one frame of the native protocol, version 4: cql_send OPCODE BODY
cql_send() { send "04000000$1$(printf '%08x' $((${#2} / 2)))$2"; }

# Reads one frame and prints its body; fails if its opcode is none of the given ones.
cql_receive() {
    local head
    head=$(receive 9)
    [ ${#head} = 18 ] || return 1
    receive $((16#${head:10:8}))
    [[ " $* " == *" ${head:8:2} "* ]]
}

# After STARTUP: accepts READY, or answers AUTHENTICATE with the default user.
cql_authenticate() {
    local body name
    body=$(cql_receive 02 03) || return 1
    [ -n "$body" ] || return 0
    name=$(hex_string cassandra)
    name=${name:4}
    cql_send 0f "0000001400${name}00$name"
    cql_receive 10 >/dev/null
}

# Queries a node: OPTIONS and SUPPORTED, STARTUP and READY, then the query and RESULT, whose body is
# printed: cassandra_query NODE CONSISTENCY QUERY
cassandra_query() (
    { exec 3<>"/dev/tcp/127.0.0.$1/$(fact cassandra port)"; } 2>/dev/null || exit 1
    cql_send 05 ''
    cql_receive 06 >/dev/null || exit 1
    cql_send 01 "0001$(hex_string CQL_VERSION)$(hex_string 3.0.0)"
    cql_authenticate || exit 1
    cql_send 07 "0000$(hex_string "$3")$2"00
    cql_receive 08
)

# Prints a node's own schema version: the last 16 bytes of the response.
cassandra_schema() {
    local body name
    body=$(cassandra_query "$1" 0001 'SELECT schema_version FROM system.local') || return 1
    printf '%s' "${body: -32}"
}

# Whether a node answers.
cassandra_answers() { cassandra_schema "$1" >/dev/null; }

# Whether a node sees all nodes and has the first node's schema. The query reads a system table with
# replication factor 3 at consistency ALL, which needs all nodes.
cassandra_serves() {
    local schema
    schema=$(cassandra_schema "$1") || return 1
    [ "$(fact cassandra nodes)" != 1 ] || return 0
    [ "$schema" = "$(cassandra_schema 1)" ] || return 1
    cassandra_query "$1" 0005 'SELECT * FROM system_distributed.view_build_status LIMIT 1' >/dev/null
}

# No user has to be created.
cassandra_has_users() { :; }
