use std::io::{BufRead, Write};
fn main() {
    let mut s = moodvane_sentiment::TrainedScorer::english(moodvane_sentiment::DecisionRule::Mean).unwrap();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let p = s.class_probabilities(&line).0;
        writeln!(out, "{} {} {} {} {}", p[0], p[1], p[2], p[3], p[4]).unwrap();
    }
}
