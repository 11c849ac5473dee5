//! Fills a SQLite store with a year of hours of the world's largest cities: `cities FOLDER COUNT`. Prints
//! the names for `moodvane serve --city`. `benches/results/effect.md` has the use.

use std::path::Path;

use anyhow::bail;
use moodvane_benches::cities;
use moodvane_model::RunId;
use moodvane_store::{SqliteStore, Store};

const ROWS_PER_WRITE: usize = 2_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = &arguments[..] else {
        bail!("usage: cities FOLDER COUNT");
    };
    let store = SqliteStore::open(&Path::new(folder).join("moodvane.db"))?;
    let run = RunId::new("bench");
    store.register_run(&run).await?;
    let cities = cities::cities(count.parse()?)?;
    for (seed, city) in (1..).zip(&cities) {
        let rows = cities::rows(&run, city.id, seed)?;
        for rows in rows.chunks(ROWS_PER_WRITE) {
            store.put_partials(rows.to_vec()).await?;
        }
    }
    let ids: Vec<&str> = cities.iter().map(|city| city.id.as_str()).collect();
    println!("{}", ids.join(","));
    Ok(())
}
