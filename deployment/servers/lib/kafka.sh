# shellcheck shell=bash
# Kafka: its configuration, its command, and whether it answers. All nodes are on 127.0.0.1.

KAFKA_CLUSTER_ID=bW9vZHZhbmUtdGVzdHMhIQ # any 16 bytes, in base64url

kafka_port() { printf '%s' "$(($(fact kafka port) + $1))"; }
kafka_address() { printf '127.0.0.1:%s' "$(kafka_port "$1")"; }
kafka_secure_address() { printf '127.0.0.1:%s' "$(($(fact kafka port) + 10 + $1))"; }
kafka_ports() { printf '%s\n' "$(kafka_address "$1")" "$(kafka_secure_address "$1")" "127.0.0.1:$(($(fact kafka peer_port) + $1))"; }

# Writes a node's configuration. The file meta.properties equals the output of Kafka's format command.
kafka_configure() {
    local home=$DIR/kafka/$1 nodes voters='' i
    nodes=$(fact kafka nodes)
    for ((i = 1; i <= nodes; i++)); do
        voters+=${voters:+,}$i@127.0.0.1:$(($(fact kafka peer_port) + i))
    done
    mkdir -p "$home/data"
    fill "$SERVERS"/kafka/{server,secure,test-only}.properties "NODE=$1" "NODES=$nodes" "DATA=$home/data" \
        "MAJORITY=$((nodes / 2 + 1))" "KEYSTORE=$(keystore)" "KEYSTORE_PASSWORD=$KEYSTORE_PASSWORD" \
        "USER=$SECURE_USER" "PASSWORD=$SECURE_PASSWORD" "SECURE_PORT=$(($(kafka_port "$1") + 10))" "VOTERS=$voters" "PORT=$(kafka_port "$1")" \
        "PEER_PORT=$(($(fact kafka peer_port) + $1))" >"$home/server.properties"
    [ -f "$home/data/meta.properties" ] ||
        printf 'version=1\ncluster.id=%s\nnode.id=%d\n' "$KAFKA_CLUSTER_ID" "$1" >"$home/data/meta.properties"
}

# Sets COMMAND to the command line of a node.
# shellcheck disable=SC2034 # for cluster.sh
kafka_command() {
    local heap=${MOODVANE_SERVERS_KAFKA_HEAP:-256m}
    COMMAND=("$JAVA" "-Xms$heap" "-Xmx$heap" -XX:MaxDirectMemorySize=128m "${JVM_FLAGS[@]}"
        -Djava.awt.headless=true "-Dkafka.logs.dir=$DIR/kafka/$1"
        "-Dlog4j.configuration=file:$SERVERS/kafka/log4j.properties"
        -cp "$(class_path kafka)" kafka.Kafka "$DIR/kafka/$1/server.properties")
}

# Sends a request to a node and prints the response body as hex: kafka_request NODE HEX
kafka_request() (
    { exec 3<>"/dev/tcp/127.0.0.1/$(kafka_port "$1")"; } 2>/dev/null || exit 1
    send "$(printf '%08x' $((${#2} / 2)))$2"
    size=$((16#0$(receive 4)))
    [ "$size" -gt 4 ] && [ "$size" -lt 1000000 ] || exit 1
    receive "$size" | cut -c9-
)

# Prints the ids of the brokers in a node's metadata; fails if it has no controller.
# The request is Metadata, version 1, without topics.
kafka_brokers() {
    local answer count i at=8 ids=''
    answer=$(kafka_request "$1" 00030001000000010000"00000000") || return 1
    [ ${#answer} -ge 16 ] || return 1
    count=$((16#${answer:0:8}))
    for ((i = 0; i < count; i++)); do
        ids+=" $((16#${answer:at:8}))"
        at=$((at + 8 + 4 + 2 * 16#${answer:at+8:4} + 8 + 4)) # id, host, port, a rack that is null
    done
    [ "${answer:at:8}" != ffffffff ] && printf '%s ' "$ids"
}

# Whether a node answers and its metadata contains the node itself.
kafka_answers() { [[ $(kafka_brokers "$1") == *" $1 "* ]]; }

# Whether a node's metadata contains all brokers, and a group coordinator exists. FindCoordinator, version 0,
# creates the offsets topic, so that no test has to wait for it.
kafka_serves() {
    local brokers answer
    read -ra brokers <<<"$(kafka_brokers "$1")"
    [ "${#brokers[@]}" = "$(fact kafka nodes)" ] || return 1
    answer=$(kafka_request "$1" "000a0000000000020000$(hex_string ready)") || return 1
    [ "${answer:0:4}" = 0000 ]
}

# Bytes as hex, preceded by the length plus one: hex_compact HEX
hex_compact() { printf '%02x%s' "$((${#1} / 2 + 1))" "$1"; }

# Sets the user's passwords (AlterUserScramCredentials, version 0), which is idempotent. Fails if the cluster
# rejects them.
kafka_has_users() {
    local user mechanism upsert answer
    user=$(hex_compact "$(printf '%s' "$SECURE_USER" | od -An -v -tx1 | tr -d ' \n')")
    for mechanism in 1 2; do
        upsert=$user$(printf '%02x%08x' "$mechanism" 4096)$(hex_compact "$SCRAM_SALT")
        upsert+=$(hex_compact "${SCRAM_SALTED[mechanism - 1]}")00
        answer=$(kafka_request "$1" "003300000000000300000001""02${upsert}00") || return 1
        # Tags, throttle time, one result: the user, no error, no message, no tags.
        [ "$answer" = "000000000002${user}0000000000" ] || return 1
    done
}
