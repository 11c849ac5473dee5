//! Fills a store with a year of hours for the load test of a server: `year sqlite FILE` or
//! `year cassandra NODES KEYSPACE`.

use std::path::Path;

use anyhow::bail;
use futures::{StreamExt, TryStreamExt, stream};
use moodvane_benches::year;
use moodvane_model::RunId;
use moodvane_store::{CassandraConfig, CassandraStore, SqliteStore, Store};

const ROWS_PER_WRITE: usize = 200;
const IN_FLIGHT: usize = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["sqlite", file] => fill(&SqliteStore::open(Path::new(file))?).await,
        ["cassandra", nodes, keyspace] => {
            let nodes = nodes.split(',').map(str::parse);
            let config = CassandraConfig::new(nodes.collect::<Result<_, _>>()?, keyspace.parse()?);
            fill(&CassandraStore::connect(&config).await?).await
        }
        _ => bail!("usage: year sqlite FILE, or year cassandra NODES KEYSPACE"),
    }
}

async fn fill(store: &impl Store) -> anyhow::Result<()> {
    let run = RunId::new("bench");
    store.register_run(&run).await?;
    let rows = year::rows(&run)?;
    stream::iter(rows.chunks(ROWS_PER_WRITE).map(<[_]>::to_vec))
        .map(|rows| store.put_partials(rows))
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    store.put_progress(year::progress(&run)?).await?;
    println!("{} rows of {} hours", rows.len(), year::HOURS);
    Ok(())
}
