//! Times the reading of a year of hours, all variables and all sums: `read_year sqlite FILE` or
//! `read_year cassandra NODES KEYSPACE`. `year` fills the store.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use moodvane_benches::{cpu_time, year};
use moodvane_store::{CassandraConfig, CassandraStore, SqliteStore, Store};

/// The first reads of a process, which also warm up the store.
const FIRST_READS: u32 = 20;
const READS: usize = 40;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["sqlite", file] => measure(&SqliteStore::open(Path::new(file))?).await,
        ["cassandra", nodes, keyspace] => {
            let nodes = nodes.split(',').map(str::parse);
            let config = CassandraConfig::new(nodes.collect::<Result<_, _>>()?, keyspace.parse()?);
            measure(&CassandraStore::connect(&config).await?).await
        }
        _ => bail!("usage: read_year sqlite FILE, or read_year cassandra NODES KEYSPACE"),
    }
}

async fn measure(store: &impl Store) -> anyhow::Result<()> {
    let first = read(store).await?;
    for _ in 1..FIRST_READS {
        read(store).await?;
    }
    let (mut times, before) = (Vec::new(), cpu_time());
    for _ in 0..READS {
        times.push(read(store).await?);
    }
    let used = cpu_time().zip(before).map(|(after, before)| after - before);
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |share: usize| -> anyhow::Result<f64> {
        let time = times.get(times.len() * share / 100);
        Ok(ms(*time.context("no reads")?))
    };
    let (first, median, p90) = (ms(first), at(50)?, at(90)?);
    println!("first read {first:.1} ms, median {median:.1} ms, p90 {p90:.1} ms");
    if let Some(used) = used {
        let each = ms(used) / READS as f64;
        println!("{each:.1} ms of this process's CPU time for each read");
    }
    Ok(())
}

async fn read(store: &impl Store) -> anyhow::Result<Duration> {
    let (city, range) = (year::city()?, year::hours(year::HOURS)?);
    let started = Instant::now();
    let hours = store.hours(city, range).await?;
    let elapsed = started.elapsed();
    ensure!(
        hours.len() == year::HOURS as usize,
        "found {} hours",
        hours.len()
    );
    Ok(elapsed)
}
