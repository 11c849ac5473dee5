//! `moodvane score`: a text per line in, its class and value out.

use std::io::{BufRead, BufWriter, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use moodvane_sentiment::trained::{Explanation, Weights};
use moodvane_sentiment::{LexiconScorer, Scorer, ScorerName, TrainedScorer};

use crate::cli::{ScoreArgs, ScorerArgs};

/// The longest line, in bytes.
const MAX_LINE: u64 = 65_536;
/// Features that an explanation shows.
const SHOWN: usize = 12;

/// Scores the lines of standard input.
pub(crate) fn run(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    let input = std::io::stdin().lock();
    let output = BufWriter::new(std::io::stdout().lock());
    if args.explain {
        explain(input, output, &mut trained(&args.scorer)?)?;
    } else {
        score(input, output, scorer(&args.scorer)?.as_mut())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The scorer that the flags name.
pub(crate) fn scorer(args: &ScorerArgs) -> anyhow::Result<Box<dyn Scorer>> {
    match args.scorer {
        ScorerName::Trained => Ok(Box::new(trained(args)?)),
        ScorerName::Lexicon if args.weights.is_some() => {
            bail!("--weights is for the trained scorer")
        }
        ScorerName::Lexicon => Ok(Box::new(LexiconScorer::new())),
    }
}

fn trained(args: &ScorerArgs) -> anyhow::Result<TrainedScorer> {
    if args.scorer != ScorerName::Trained {
        bail!("--explain is for the trained scorer: a lexicon has no weights to tell of");
    }
    let Some(path) = &args.weights else {
        return Ok(TrainedScorer::english(args.rule)?);
    };
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let weights = Weights::read(bytes).with_context(|| path.display().to_string())?;
    Ok(TrainedScorer::new(weights, args.rule))
}

fn score(
    input: impl BufRead,
    mut output: impl Write,
    scorer: &mut dyn Scorer,
) -> anyhow::Result<()> {
    each_line(input, |text| {
        let score = scorer.score(text);
        writeln!(output, "{} {:.3}", score.sentiment.class(), score.value())?;
        Ok(())
    })?;
    Ok(output.flush()?)
}

fn explain(
    input: impl BufRead,
    mut output: impl Write,
    scorer: &mut TrainedScorer,
) -> anyhow::Result<()> {
    each_line(input, |text| show(&mut output, &scorer.explain(text)))?;
    Ok(output.flush()?)
}

fn show(output: &mut impl Write, explanation: &Explanation) -> anyhow::Result<()> {
    let score = explanation.score;
    let shares = explanation
        .shares
        .0
        .map(|share| format!("{:.3}", f64::from(share) / 65_536.0));
    writeln!(
        output,
        "{} {:.3}  classes {}",
        score.sentiment.class(),
        score.value(),
        shares.join(" ")
    )?;
    for reason in explanation.reasons.iter().take(SHOWN) {
        writeln!(output, "  {:+.3}  {}", reason.effect, reason.what)?;
    }
    Ok(())
}

/// Gives each line, without its end, to `work`. What is no UTF-8 in it is replaced.
fn each_line(
    mut input: impl BufRead,
    mut work: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = input
            .by_ref()
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line);
        if read.context("cannot read standard input")? == 0 {
            break;
        }
        if line.len() as u64 > MAX_LINE {
            bail!("line {number} is longer than {MAX_LINE} bytes");
        }
        let text = String::from_utf8_lossy(&line);
        work(text.trim_end_matches(['\n', '\r']))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_an_answer_and_one_that_is_too_long_is_an_error() {
        let mut scorer = LexiconScorer::new();
        let mut output = Vec::new();
        score(&b"great\n\nawful \xff\nlast"[..], &mut output, &mut scorer).unwrap();
        let answers = String::from_utf8(output).unwrap();
        assert_eq!(answers.lines().count(), 4, "{answers}");
        assert!(answers.starts_with('3'), "{answers}");
        let long = vec![b'a'; MAX_LINE as usize + 1];
        let error = score(&long[..], Vec::new(), &mut scorer).unwrap_err();
        assert!(error.to_string().contains("line 1 is longer"), "{error}");
    }
}
