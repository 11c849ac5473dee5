#!/usr/bin/env bash
# Starts Cassandra like the official image's script of this name, as far as the definitions use it:
# configuration from variables, and an unprivileged user if started as root.
set -euo pipefail

case ${1:--f} in -*) set -- cassandra "$@" ;; esac
[ "$1" = cassandra ] || exec "$@"
if [ "$UID" = 0 ]; then
    find "$CASSANDRA_CONF" /var/lib/cassandra /var/log/cassandra ! -user cassandra -exec chown cassandra {} +
    exec setpriv --reuid=999 --regid=999 --clear-groups "${BASH_SOURCE[0]}" "$@"
fi

# Prints the container's first address that is not loopback.
own_address() { hostname -I | cut -d' ' -f1; }

# Sets a key of cassandra.yaml in place, because the file may be a mount: set_key KEY VALUE
set_key() {
    local file=$CASSANDRA_CONF/cassandra.yaml text
    text=$(grep -v "^$1:" "$file")
    printf '%s\n%s: %s\n' "$text" "$1" "$2" >"$file"
}

listen=${CASSANDRA_LISTEN_ADDRESS:-auto}
[ "$listen" != auto ] || listen=$(own_address)
broadcast=${CASSANDRA_BROADCAST_ADDRESS:-$listen}
[ "$broadcast" != auto ] || broadcast=$(own_address)
set_key listen_address "$listen"
set_key broadcast_address "$broadcast"
set_key rpc_address "${CASSANDRA_RPC_ADDRESS:-0.0.0.0}"
set_key broadcast_rpc_address "${CASSANDRA_BROADCAST_RPC_ADDRESS:-$broadcast}"
[ -z "${CASSANDRA_CLUSTER_NAME:-}" ] || set_key cluster_name "'$CASSANDRA_CLUSTER_NAME'"
[ -z "${CASSANDRA_NUM_TOKENS:-}" ] || set_key num_tokens "$CASSANDRA_NUM_TOKENS"
[ -z "${CASSANDRA_ENDPOINT_SNITCH:-}" ] || set_key endpoint_snitch "$CASSANDRA_ENDPOINT_SNITCH"
set_key seed_provider "[{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: '${CASSANDRA_SEEDS:-$broadcast}'}]}]"
if [ -n "${CASSANDRA_DC:-}${CASSANDRA_RACK:-}" ]; then
    printf 'dc=%s\nrack=%s\n' "${CASSANDRA_DC:-dc1}" "${CASSANDRA_RACK:-rack1}" >"$CASSANDRA_CONF/cassandra-rackdc.properties"
fi
exec "$@"
