# shellcheck shell=bash
# TLS and passwords of the servers: one certificate for all nodes, and one user.
#
# TEST ONLY: the passwords are in this file, and the certificate is self-signed.

SECURE_USER=moodvane
SECURE_PASSWORD=moodvane-tests
KEYSTORE_PASSWORD=moodvane-tests

# The user's password as SCRAM stores it: PBKDF2 with this salt and 4096 rounds.
SCRAM_SALT=6d6f6f6476616e652d74657374657273
SCRAM_SALTED=(
    6bda784cc36f8bb4dddf8e80d5fa512b9d54ee18e1b1fb01f5249893bf1d6d8d
    a50970ab70b637923a01a87ba71abffbce603eb310d36fe57ed28196ceefc98b8000b7151af739679fdabb24839176c88f9e0ed91f50b5df6ef971f3684d3da8
)

keystore() { printf '%s/tls/nodes.p12' "$DIR"; }
ca_file() { printf '%s/tls/ca.pem' "$DIR"; }

# Creates the certificate, once per data folder, with Java's keytool.
need_certificate() {
    local new=$DIR/tls.new tool
    [ ! -f "$(ca_file)" ] || return 0
    tool=$(dirname "$JAVA")/keytool
    rm -rf "$new" "$DIR/tls"
    mkdir -p "$new"
    {
        "$tool" -genkeypair -alias node -keyalg EC -groupname secp256r1 -validity 3650 \
            -dname CN=moodvane-tests -ext san=ip:127.0.0.1,ip:127.0.0.2,ip:127.0.0.3,dns:localhost \
            -storetype PKCS12 -keystore "$new/nodes.p12" -storepass "$KEYSTORE_PASSWORD" &&
            "$tool" -exportcert -rfc -alias node -file "$new/ca.pem" \
                -keystore "$new/nodes.p12" -storepass "$KEYSTORE_PASSWORD"
    } >"$new/keytool.log" 2>&1 || {
        cat "$new/keytool.log" >&2
        fail 'cannot create the certificate'
    }
    mv -T "$new" "$DIR/tls"
}
