//! Scores each line of a file with the default scorer:
//!
//!     cargo run --release --example score_file -p moodvane-sentiment -- FILE
//!
//! Prints one line per text: the class 0 to 4, the value 0.0 to 4.0 and the text, separated by tabs. The
//! last line has the number of texts and their mean value.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdout};

use moodvane_sentiment::ScorerChoice;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: score_file FILE")?;
    let file = File::open(&path).map_err(|error| format!("cannot open {path}: {error}"))?;
    let mut scorer = ScorerChoice::default().build()?;
    let mut output = stdout().lock();
    let (mut count, mut sum) = (0_u32, 0.0);
    for line in BufReader::new(file).lines() {
        let text = line?;
        let score = scorer.score(&text);
        count += 1;
        sum += score.value();
        let class = score.sentiment.class();
        writeln!(output, "{class}\t{:.3}\t{text}", score.value())?;
    }
    let mean = sum / f64::from(count.max(1));
    writeln!(output, "{count} texts, mean value {mean:.3}")?;
    Ok(())
}
