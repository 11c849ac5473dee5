# shellcheck shell=bash
# Requests in a server's own protocol, with nothing but the shell. Bytes are written as hex.

# Sends hex to descriptor 3.
send() { printf '%b' "$(printf '%s' "$1" | sed 's/../\\x&/g')" >&3; }

# Reads N bytes from descriptor 3, as hex. The timeout is for paused servers.
receive() { timeout 2 head -c "$1" <&3 | od -An -v -tx1 | tr -d ' \n'; }

# A text as hex, preceded by its length in two bytes.
hex_string() { printf '%04x%s' "${#1}" "$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')"; }

# Whether anything listens: listens HOST PORT
listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
