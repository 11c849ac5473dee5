//! `moodvane score`: a text per line in, its class and value out.

use std::fs::File;
use std::io::{BufRead, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use moodvane_launch::{ScorerConfig, ScorerKind};
use moodvane_sentiment::trained::{Explanation, MAX_WEIGHTS_BYTES, Weights};
use moodvane_sentiment::{Scorer, ScorerName, Text, TrainedScorer};

use crate::cli::{GlobalArgs, ScoreArgs, ScorerArgs};
use crate::config::read_settings;

/// The longest line, in bytes.
const MAX_LINE: u64 = 65_536;
/// Features that an explanation shows.
const SHOWN: usize = 12;
/// How many lines are scored together where the scorer would take any number.
const MAX_AT_ONCE: usize = 256;

/// Scores the lines of standard input.
pub(crate) fn run(args: &ScoreArgs, common: &GlobalArgs) -> anyhow::Result<ExitCode> {
    let input = std::io::stdin().lock();
    let output = BufWriter::new(std::io::stdout().lock());
    if args.explain {
        explain(input, output, &mut trained(&args.scorer)?)?;
    } else {
        score(input, output, scorer(&args.scorer, common)?.as_mut())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The scorer that the flags name; a transformer as the configuration has it.
pub(crate) fn scorer(args: &ScorerArgs, common: &GlobalArgs) -> anyhow::Result<Box<dyn Scorer>> {
    match args.scorer {
        ScorerKind::BuiltIn(ScorerName::Trained) => Ok(Box::new(trained(args)?)),
        _ if args.weights.is_some() => bail!("--weights is for the trained scorer"),
        ScorerKind::BuiltIn(name) => Ok(name.with_rule(args.rule).build()?),
        ScorerKind::Bert => {
            let mut settings = read_settings(common);
            settings.set("sentiment.scorer", "bert");
            settings.set("sentiment.others", "none");
            let config: Option<ScorerConfig> = ScorerConfig::read(&settings);
            settings.finish_with(config)?.build()
        }
    }
}

fn trained(args: &ScorerArgs) -> anyhow::Result<TrainedScorer> {
    if args.scorer != ScorerKind::BuiltIn(ScorerName::Trained) {
        bail!("--explain is for the trained scorer: others have no features to tell of");
    }
    let Some(path) = &args.weights else {
        return Ok(TrainedScorer::english(args.rule)?);
    };
    let weights = Weights::read(bytes(path)?).with_context(|| path.display().to_string())?;
    Ok(TrainedScorer::new(weights, args.rule))
}

/// The bytes of a file that may be as large as the largest weights, and no larger.
fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_WEIGHTS_BYTES + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MAX_WEIGHTS_BYTES {
        bail!("{shown} is larger than {MAX_WEIGHTS_BYTES} bytes: these are no weights");
    }
    Ok(bytes)
}

fn score(
    input: impl BufRead,
    mut output: impl Write,
    scorer: &mut dyn Scorer,
) -> anyhow::Result<()> {
    let at_once = scorer.max_batch_size().min(MAX_AT_ONCE);
    let mut lines = Vec::with_capacity(at_once);
    let mut scores = Vec::with_capacity(at_once);
    let mut flush = |lines: &mut Vec<String>| -> anyhow::Result<()> {
        let texts: Vec<Text<'_>> = lines.iter().map(|line| Text::plain(line)).collect();
        scorer.score_batch(&texts, &mut scores)?;
        for score in &scores {
            match score {
                Some(score) => {
                    writeln!(output, "{} {:.3}", score.sentiment.class(), score.value())?
                }
                None => writeln!(output, "-")?,
            }
        }
        // Who reads line by line gets the answers as they come.
        output.flush()?;
        lines.clear();
        Ok(())
    };
    each_line(input, |text| {
        lines.push(text.to_owned());
        if lines.len() < at_once {
            Ok(())
        } else {
            flush(&mut lines)
        }
    })?;
    flush(&mut lines)
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
        .probabilities
        .0
        .map(|share| format!("{:.3}", f64::from(share) / 65_536.0));
    writeln!(
        output,
        "{} {:.3}  classes {}",
        score.sentiment.class(),
        score.value(),
        shares.join(" ")
    )?;
    for contribution in explanation.contributions.iter().take(SHOWN) {
        writeln!(
            output,
            "  {:+.3}  {}",
            contribution.effect, contribution.feature
        )?;
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

    use clap::Parser;
    use moodvane_sentiment::LexiconScorer;

    use crate::cli::{Cli, Command};

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

    #[test]
    fn more_lines_than_are_scored_together_all_have_their_answers_in_order() {
        let lines: Vec<&str> = (0..MAX_AT_ONCE + 3)
            .map(|n| ["great", "awful"][n % 2])
            .collect();
        let mut output = Vec::new();
        score(
            lines.join("\n").as_bytes(),
            &mut output,
            &mut LexiconScorer::new(),
        )
        .unwrap();
        let answers = String::from_utf8(output).unwrap();
        let classes: Vec<&str> = answers.lines().map(|line| &line[..1]).collect();
        assert_eq!(classes.len(), lines.len());
        assert!(
            classes
                .chunks(2)
                .all(|pair| pair[0] == "3" && pair.get(1).is_none_or(|c| *c < "2"))
        );
    }

    /// What the command line asks for, as it is parsed.
    fn asked(flags: &[&str]) -> (ScoreArgs, GlobalArgs) {
        let cli = Cli::parse_from(["moodvane", "score"].iter().chain(flags));
        match cli.command {
            Some(Command::Score(args)) => (args, cli.args),
            other => panic!("{other:?}"),
        }
    }

    fn explained(flags: &[&str], text: &str) -> String {
        let (args, _) = asked(flags);
        let mut output = Vec::new();
        explain(
            text.as_bytes(),
            &mut output,
            &mut trained(&args.scorer).unwrap(),
        )
        .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn an_explanation_has_the_score_and_the_features_that_moved_it_most() {
        let told = explained(&["--explain"], "what a wonderful day\nnot good");
        let (first, rest) = told.split_once('\n').unwrap();
        assert!(
            first.starts_with("4 ") && first.contains("  classes 0."),
            "{told}"
        );
        assert!(
            rest.contains("letters of \"wonderful\"") && rest.contains("\"not-good\""),
            "{told}"
        );
        let effects: Vec<f64> = rest
            .lines()
            .take(SHOWN)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert!(
            effects.windows(2).all(|two| two[0].abs() >= two[1].abs()),
            "{told}"
        );
    }

    #[test]
    fn the_rule_is_the_one_that_is_asked_for() {
        const TEXTS: [&str; 5] = [
            "The new schedule starts on Monday, they say",
            "Tickets for Friday are sold out",
            "this phone is so slow today",
            "watching the game with my brother tonight",
            "I hate Mondays :(",
        ];
        let answer = |rule| {
            let (args, common) = asked(&["--rule", rule]);
            let mut scorer = scorer(&args.scorer, &common).unwrap();
            assert!(scorer.fingerprint().ends_with(rule));
            TEXTS.map(|text| scorer.score(text).micros())
        };
        // The value is the same by every rule, for it does not depend on it.
        let first = answer("mean");
        assert!(
            ["recall", "mae", "likely"]
                .iter()
                .all(|rule| answer(rule) == first)
        );
        let mut classes = std::collections::BTreeSet::new();
        for rule in ["mean", "recall", "mae", "likely"] {
            let told = TEXTS.map(|text| explained(&["--rule", rule, "--explain"], text));
            classes.insert(told.map(|told| told.chars().next()));
        }
        assert!(classes.len() > 2, "every rule says {classes:?}");
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        let (args, common) = asked(&["--scorer", "lexicon", "--weights", "x"]);
        assert!(scorer(&args.scorer, &common).is_err());
        let (args, _) = asked(&["--scorer", "lexicon", "--explain"]);
        assert!(trained(&args.scorer).is_err());
    }

    #[test]
    fn weights_that_are_too_large_absent_or_wrong_are_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("w");
        let error = |path: &Path| {
            let shown = path.to_string_lossy().into_owned();
            let (args, _) = asked(&["--weights", &shown]);
            format!("{:#}", trained(&args.scorer).err().unwrap())
        };
        assert!(error(&path).contains("cannot read"), "{}", error(&path));
        std::fs::write(&path, "text").unwrap();
        assert!(
            error(&path).contains("not a weights file"),
            "{}",
            error(&path)
        );
        File::create(&path)
            .unwrap()
            .set_len(MAX_WEIGHTS_BYTES + 1)
            .unwrap();
        assert!(error(&path).contains("is larger than"), "{}", error(&path));
    }

    #[test]
    fn bert_is_asked_for_by_the_configuration_and_every_fault_is_told() {
        let (args, common) = asked(&["--scorer", "bert", "--set", "sentiment.bert.batch=0"]);
        let error = format!("{:#}", scorer(&args.scorer, &common).err().unwrap());
        for part in [
            "sentiment.bert.batch",
            "must be a whole number in 1 to 1024",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
