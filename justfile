# The daily commands: `just` lists them. Each is one line that works without just, too.

# List the commands
default:
    @just --list

# The demo: simulator and pipeline in one process
demo:
    cargo run --release

# The minute's loop: format, lints and the quick tests of one crate, for example `just check model`
check crate:
    cargo fmt --all && cargo clippy -p moodvane-{{crate}} --all-targets --locked -- -D warnings && cargo test -p moodvane-{{crate}} --lib

# All tests, with real Kafka and Cassandra
test:
    deployment/servers/run --need haproxy --need openssl --need python3 -- cargo test --workspace --locked

# What must hold before a change lands (about 40 minutes)
ci:
    bash .ci/run

# Names and prose against the list of banned words
words *paths:
    .ci/words {{paths}}

# The book: build, check links and commands; open target/book/index.html
book:
    .ci/book

# The book at http://localhost:3000, rebuilt on change
book-serve:
    mdbook serve docs

# API documentation of all crates
doc:
    cargo doc --workspace --no-deps --locked --open

# Fuzz every target for some seconds
fuzz seconds="60":
    fuzz/run {{seconds}}

# The benches on one core (no servers)
bench:
    cargo bench -p moodvane-benches

# The whole fleet as containers on this machine, compared with the ground truth
trial *args:
    deployment/trial/run {{args}}

# The page's pictures in docs/images
pictures:
    .ci/browser pictures
