# shellcheck shell=bash
# Finds Java 17 and Maven, or installs them on Debian.
#
# Cassandra 5.0 does not start on later Java versions.

is_java_17() { [ -x "$1" ] && "$1" -version 2>&1 | grep -q 'version "17[."]'; }

# Prints the path of a Java 17.
find_java() {
    local java
    for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java || true)" /usr/lib/jvm/*17*/bin/java; do
        is_java_17 "$java" || continue
        realpath "$java"
        return 0
    done
    return 1
}

# Installs Debian packages, as root: install_packages WHY PACKAGE…
install_packages() {
    local why=$1
    shift
    if ! [ -f /etc/debian_version ] || [ "$UID" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$why is needed: install it (on Debian, as root: apt-get install $*)"
    fi
    say "$why is missing: apt-get install $*"
    mkdir -p "$DIR/logs"
    {
        apt-get -qq update &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
    } >"$DIR/logs/apt.log" 2>&1 </dev/null 7>&- 8>&- 9>&- || {
        tail -n 20 "$DIR/logs/apt.log" >&2
        fail "apt-get cannot install $*: install $why manually"
    }
}

# Sets JAVA.
# shellcheck disable=SC2034 # for the other parts
need_java() {
    JAVA=$(find_java) && return 0
    install_packages 'Java 17' openjdk-17-jre-headless
    JAVA=$(find_java) || fail 'cannot find the installed Java 17: set JAVA_HOME'
}

need_maven() {
    command -v mvn >/dev/null || install_packages Maven maven
}
