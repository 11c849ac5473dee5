# shellcheck shell=bash
# All parts that a command needs, in dependency order.

LIB=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck source=lib/common.sh
. "$LIB/common.sh"
# shellcheck source=lib/process.sh
. "$LIB/process.sh"
# shellcheck source=lib/protocol.sh
. "$LIB/protocol.sh"
# shellcheck source=lib/java.sh
. "$LIB/java.sh"
# shellcheck source=lib/jars.sh
. "$LIB/jars.sh"
# shellcheck source=lib/secure.sh
. "$LIB/secure.sh"
# shellcheck source=lib/kafka.sh
. "$LIB/kafka.sh"
# shellcheck source=lib/cassandra.sh
. "$LIB/cassandra.sh"
# shellcheck source=lib/cluster.sh
. "$LIB/cluster.sh"
