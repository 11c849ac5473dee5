# shellcheck shell=bash
# The jars and the class data archive of a kind, created atomically in the cache.
#
# The folder's name contains the version and a checksum of pom.xml; the archive's name, a checksum of Java's version.

jars_version() { sed -n 's|^  <version>\(.*\)</version>$|\1|p' "$SERVERS/$1/pom.xml"; }
jars_dir() { printf '%s' "$CACHE/$1-$(jars_version "$1")-$(sha256sum "$SERVERS/$1/pom.xml" | cut -c1-8)"; }
archive_file() { printf '%s/classes-%s.jsa' "$(jars_dir "$1")" "$("$JAVA" -version 2>&1 | sha256sum | cut -c1-8)"; }

# The jars in a fixed order: a class data archive is valid for one class path only.
class_path() { printf '%s:' "$(jars_dir "$1")"/lib/*.jar; }

# Runs a function with the lock of the cache, which several data folders may share.
with_cache() (
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock -w "$LOCK_TIMEOUT_S" 9 || fail "no lock within $LOCK_TIMEOUT_S s: check which process holds $CACHE/lock"
    "$@"
)

need_jars() {
    [ -d "$(jars_dir "$1")/lib" ] || with_cache fetch_jars "$1"
}

# Runs under the lock of the cache, so a folder .new.* is left over from an interrupted download.
fetch_jars() {
    local target new
    target=$(jars_dir "$1")
    [ ! -d "$target/lib" ] || return 0
    need_maven
    say "downloading $1 $(jars_version "$1") with Maven: once, about a minute"
    rm -rf "$CACHE"/.new.*
    new=$(mktemp -d "$CACHE/.new.XXXXXX")
    mvn -B -q -C -f "$SERVERS/$1/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$new/lib" >"$new/maven.log" 2>&1 </dev/null 7>&- 8>&- 9>&- || {
        cat "$new/maven.log" >&2
        fail "Maven cannot download the jars of $SERVERS/$1/pom.xml"
    }
    rm "$new/maven.log"
    chmod 755 "$new"
    rm -rf "$target"
    mv -T "$new" "$target"
    say "$1: $(find "$target/lib" -name '*.jar' | wc -l) jars, $(du -sm "$target/lib" | cut -f1) MiB, in $target"
}
