//! `moodvane score`: reads a text per line, prints its class and value.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use moodvane_launch::{ScorerConfig, ScorerKind};
use moodvane_model::Account;
use moodvane_sentiment::trained::{Explanation, MAX_WEIGHTS_BYTES, Weights};
use moodvane_sentiment::{Scorer, ScorerName, Text, TrainedScorer};
use moodvane_upstream::UndoneText;

use crate::account::{InputReport, Report};
use crate::cli::{GlobalArgs, ScoreArgs, ScorerArgs};
use crate::config::read_settings;
use crate::lines::{Line, each_line};

/// The most features of an explanation.
const MAX_FEATURES: usize = 12;
/// The largest batch of lines, for a scorer without a limit.
const MAX_BATCH: usize = 256;

/// Scores the lines of standard input.
pub(crate) fn run(args: &ScoreArgs, global: &GlobalArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report::begin("score", &args.account)?;
    let input = std::io::stdin().lock();
    let output = BufWriter::new(std::io::stdout().lock());
    let account = if args.explain {
        explain(input, output, &args.scorer)?
    } else {
        let mut scorer = build_scorer(&args.scorer, global)?;
        score(input, output, &args.scorer, scorer.as_mut())?
    };
    report.add(InputReport::new("standard input", "texts", account));
    report.finish(true)
}

/// Builds the scorer that the flags select; the configuration describes a transformer.
pub(crate) fn build_scorer(
    args: &ScorerArgs,
    global: &GlobalArgs,
) -> anyhow::Result<Box<dyn Scorer>> {
    match args.scorer {
        ScorerKind::BuiltIn(ScorerName::Trained) => Ok(Box::new(trained(args)?)),
        _ if args.weights.is_some() => bail!("--weights requires the trained scorer"),
        ScorerKind::BuiltIn(name) => Ok(name.with_rule(args.rule).build()?),
        ScorerKind::Bert => {
            let mut settings = read_settings(global);
            settings.set("sentiment.scorer", "bert");
            settings.set("sentiment.others", "none");
            let config: Option<ScorerConfig> = ScorerConfig::read(&settings);
            settings.finish_with(config)?.build()
        }
    }
}

fn trained(args: &ScorerArgs) -> anyhow::Result<TrainedScorer> {
    if args.scorer != ScorerKind::BuiltIn(ScorerName::Trained) {
        bail!("--explain requires the trained scorer: others have no features");
    }
    let Some(path) = &args.weights else {
        return Ok(TrainedScorer::english(args.rule)?);
    };
    let weights = Weights::read(read_weights(path)?).with_context(|| path.display().to_string())?;
    Ok(TrainedScorer::new(weights, args.rule))
}

/// Reads a file up to the size limit of weights.
fn read_weights(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_WEIGHTS_BYTES + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MAX_WEIGHTS_BYTES {
        bail!("{shown} is larger than {MAX_WEIGHTS_BYTES} bytes and cannot be weights");
    }
    Ok(bytes)
}

/// Prints a result for each line, `-` for one without.
fn score(
    input: impl BufRead,
    mut output: impl Write,
    args: &ScorerArgs,
    scorer: &mut dyn Scorer,
) -> anyhow::Result<Account> {
    let batch = scorer.max_batch_size().min(MAX_BATCH);
    let mut account = Account::default();
    let mut lines: Vec<Line> = Vec::with_capacity(batch);
    let mut scores = Vec::with_capacity(batch);
    let mut flush = |lines: &mut Vec<Line>| -> anyhow::Result<()> {
        let read = lines.iter().filter_map(|line| line.text.as_deref().ok());
        let undone: Vec<Cow<'_, str>> = read.map(|line| args.undo_entities(line).text).collect();
        let texts: Vec<Text<'_>> = undone.iter().map(|text| Text::plain(text)).collect();
        scorer.score_batch(&texts, &mut scores)?;
        let mut scored = scores.iter();
        for line in lines.iter() {
            let score = match &line.text {
                Ok(_) => scored.next().copied().flatten(),
                Err(_) => None,
            };
            line.count(score.is_some(), &mut account);
            match score {
                Some(score) => {
                    writeln!(output, "{} {:.3}", score.sentiment.class(), score.value())?
                }
                None => writeln!(output, "-")?,
            }
        }
        // A line-by-line reader gets each result at once.
        output.flush()?;
        lines.clear();
        Ok(())
    };
    each_line(input, |line| {
        lines.push(line);
        if lines.len() < batch {
            Ok(())
        } else {
            flush(&mut lines)
        }
    })?;
    flush(&mut lines)?;
    Ok(account)
}

fn explain(
    input: impl BufRead,
    mut output: impl Write,
    args: &ScorerArgs,
) -> anyhow::Result<Account> {
    let mut scorer = trained(args)?;
    let mut account = Account::default();
    each_line(input, |line| {
        line.count(true, &mut account);
        let Ok(text) = &line.text else {
            return Ok(writeln!(output, "-")?);
        };
        let undone = args.undo_entities(text);
        show(&mut output, &scorer.explain(&undone.text), &undone)
    })?;
    output.flush()?;
    Ok(account)
}

/// Prints an explanation with the places in the line that was read.
fn show(
    output: &mut impl Write,
    explanation: &Explanation,
    line: &UndoneText<'_>,
) -> anyhow::Result<()> {
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
    for contribution in explanation.contributions.iter().take(MAX_FEATURES) {
        let place = contribution.place.clone();
        let place = place.map(|place| line.original_range(place));
        let place = place.map_or_else(String::new, |at| format!("  {}..{}", at.start, at.end));
        writeln!(
            output,
            "  {:+.3}  {}{place}",
            contribution.effect, contribution.feature
        )?;
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
    use crate::lines::MAX_LINE_BYTES;

    #[test]
    fn scores_each_line_and_accounts_for_those_it_cannot() {
        let long = "a".repeat(MAX_LINE_BYTES as usize + 1);
        let mut input = format!("great\n\n{long}\n").into_bytes();
        input.extend(b"awful \xff\nlast");
        let mut output = Vec::new();
        let args = &parse(&[]).0.scorer;
        let account = score(&input[..], &mut output, args, &mut LexiconScorer::new()).unwrap();
        let answers = String::from_utf8(output).unwrap();
        let answers: Vec<&str> = answers.lines().map(|line| &line[..1]).collect();
        assert_eq!(answers, ["3", "2", "-", "-", "2"]);
        assert_eq!((account.records_read(), account.records_kept()), (5, 3));
        let place = |reason: &str| account.left_out()[reason].examples[0].place();
        assert_eq!(place("too_long").as_deref(), Some("line 3"));
        assert_eq!(place("not_utf8").as_deref(), Some("line 4"));
    }

    #[test]
    fn keeps_order_across_batches() {
        let lines: Vec<&str> = (0..MAX_BATCH + 3)
            .map(|n| ["great", "awful"][n % 2])
            .collect();
        let mut output = Vec::new();
        score(
            lines.join("\n").as_bytes(),
            &mut output,
            &parse(&[]).0.scorer,
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

    /// The parsed arguments of `score` with these flags.
    fn parse(flags: &[&str]) -> (ScoreArgs, GlobalArgs) {
        let cli = Cli::parse_from(["moodvane", "score"].iter().chain(flags));
        match cli.command {
            Some(Command::Score(args)) => (args, cli.args),
            other => panic!("{other:?}"),
        }
    }

    fn explained(flags: &[&str], text: &str) -> String {
        let (args, _) = parse(flags);
        let mut output = Vec::new();
        explain(text.as_bytes(), &mut output, &args.scorer).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn explains_score_by_features_with_largest_effect() {
        let text = explained(&["--explain"], "what a wonderful day\nnot good");
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(
            first.starts_with("4 ") && first.contains("  classes 0."),
            "{text}"
        );
        assert!(
            rest.contains("letters of \"wonderful\"") && rest.contains("\"not-good\""),
            "{text}"
        );
        let effects: Vec<f64> = rest
            .lines()
            .take(MAX_FEATURES)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert!(
            effects.windows(2).all(|two| two[0].abs() >= two[1].abs()),
            "{text}"
        );
    }

    #[test]
    fn explanation_has_offsets_of_original_text() {
        let line = "so\u{a0} wonder\u{ad}ful";
        let text = explained(&["--explain"], line);
        let wonderful = line.find("wonder").unwrap();
        let place = format!("letters of \"wonderful\"  {wonderful}..{}", line.len());
        assert!(text.contains(&place), "{text}");
        assert_eq!(&line[wonderful..], "wonder\u{ad}ful");
        let text = explained(&["--explain"], "&lt;3 awful");
        assert!(text.contains("letters of \"awful\"  6..11"), "{text}");
    }

    /// The pairs are what an export writes and what the author wrote.
    #[test]
    fn scores_entities_as_their_characters() {
        let pairs = [
            ("I love this city &lt;3", "I love this city <3"),
            ("&lt;3 &lt;3", "<3 <3"),
            ("so sad &lt;/3", "so sad </3"),
            ("the traffic here &gt;:(", "the traffic here >:("),
            (
                "rain &amp; wind, &quot;great&quot;",
                "rain & wind, \"great\"",
            ),
            ("it&#39;s not good", "it's not good"),
            ("don&#39;t like it", "don't like it"),
        ];
        let scored = |text: &str, flags: &[&str]| {
            let (args, _) = parse(flags);
            let (mut output, mut scorer) = (Vec::new(), trained(&args.scorer).unwrap());
            score(text.as_bytes(), &mut output, &args.scorer, &mut scorer).unwrap();
            String::from_utf8(output).unwrap()
        };
        let kept = pairs.map(|(written, meant)| {
            assert_eq!(scored(written, &[]), scored(meant, &[]), "{written}");
            scored(written, &["--html-entities", "false"]) != scored(meant, &[])
        });
        assert!(kept.contains(&true), "the option changes nothing");
    }

    #[test]
    fn applies_selected_rule() {
        const TEXTS: [&str; 5] = [
            "The new schedule starts on Monday, they say",
            "Tickets for Friday are sold out",
            "this phone is so slow today",
            "watching the game with my brother tonight",
            "I hate Mondays :(",
        ];
        let answer = |rule| {
            let (args, global) = parse(&["--rule", rule]);
            let mut scorer = build_scorer(&args.scorer, &global).unwrap();
            assert!(scorer.fingerprint().ends_with(rule));
            TEXTS.map(|text| scorer.score(text).micros())
        };
        // The value does not depend on the rule.
        let first = answer("mean");
        assert!(
            ["recall", "mae", "likely"]
                .iter()
                .all(|rule| answer(rule) == first)
        );
        let mut classes = std::collections::BTreeSet::new();
        for rule in ["mean", "recall", "mae", "likely"] {
            let outputs = TEXTS.map(|text| explained(&["--rule", rule, "--explain"], text));
            classes.insert(outputs.map(|output| output.chars().next()));
        }
        assert!(classes.len() > 2, "every rule says {classes:?}");
    }

    #[test]
    fn rejects_conflicting_flags() {
        let (args, global) = parse(&["--scorer", "lexicon", "--weights", "x"]);
        assert!(build_scorer(&args.scorer, &global).is_err());
        let (args, _) = parse(&["--scorer", "lexicon", "--explain"]);
        assert!(trained(&args.scorer).is_err());
    }

    #[test]
    fn rejects_weights_too_large_absent_or_invalid() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("w");
        let error = |path: &Path| {
            let shown = path.to_string_lossy().into_owned();
            let (args, _) = parse(&["--weights", &shown]);
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
    fn reports_faults_of_bert_configuration() {
        let (args, global) = parse(&["--scorer", "bert", "--set", "sentiment.bert.batch=0"]);
        let error = format!("{:#}", build_scorer(&args.scorer, &global).err().unwrap());
        for part in [
            "sentiment.bert.batch",
            "must be a whole number in 1 to 1024",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
