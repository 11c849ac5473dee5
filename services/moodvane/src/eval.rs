//! `moodvane eval`: the accuracy of a scorer on human labels.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use moodvane_sentiment::evaluation::{Evaluation, LabelKind, Report, parse_labelled};
use moodvane_sentiment::{Scorer, Text};
use serde_json::{Value, json};

use crate::cli::{EvalArgs, GlobalArgs, ScorerArgs};
use crate::score::build_scorer;

/// The largest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Evaluates the scorer on each file.
pub(crate) fn run(args: &EvalArgs, global: &GlobalArgs) -> anyhow::Result<ExitCode> {
    let mut scorer = build_scorer(&args.scorer, global)?;
    let mut answers = Vec::new();
    for path in &args.files {
        let labels = args.labels.or_else(|| labels(path)).with_context(|| {
            format!(
                "cannot infer the labels of {} from its name: set --labels to 3, 5 or raters",
                path.display()
            )
        })?;
        let measured = measure(path, labels, &args.scorer, scorer.as_mut())?;
        if args.json {
            answers.push(as_json(path, &measured));
        } else {
            print!("{}", as_text(path, &measured));
        }
    }
    if args.json {
        let answer = json!({"scorer": scorer.fingerprint(), "files": answers});
        println!("{}", serde_json::to_string_pretty(&answer)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn labels(path: &Path) -> Option<LabelKind> {
    LabelKind::by_name(&path.file_name()?.to_string_lossy())
}

struct Measured {
    report: Report,
    per_second: f64,
}

fn measure(
    path: &PathBuf,
    labels: LabelKind,
    args: &ScorerArgs,
    scorer: &mut dyn Scorer,
) -> anyhow::Result<Measured> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    anyhow::ensure!(
        size <= MAX_FILE_BYTES,
        "{shown} is larger than {MAX_FILE_BYTES} bytes"
    );
    let file = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let rows = parse_labelled(&file, labels).with_context(|| shown.to_string())?;
    let undone = rows.iter().map(|row| args.undo_entities(row.text).text);
    let undone: Vec<Cow<'_, str>> = undone.collect();
    let texts: Vec<Text<'_>> = undone.iter().map(|text| Text::plain(text)).collect();
    let mut scores = Vec::with_capacity(texts.len());
    let start = Instant::now();
    scorer.score_batch(&texts, &mut scores)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut tally = Evaluation::new(labels.scale());
    for (row, score) in rows.iter().zip(&scores) {
        let score = score.with_context(|| format!("{shown}: \"{}\" cannot be judged", row.text))?;
        tally.add(row.label, row.topic, score);
    }
    Ok(Measured {
        report: tally.report(),
        per_second: texts.len() as f64 / seconds.max(1e-9),
    })
}

fn as_json(path: &Path, measured: &Measured) -> Value {
    let report = &measured.report;
    let bin = |bin: &moodvane_sentiment::evaluation::CalibrationBin| json!({"n": bin.n, "mean_value": bin.value, "mean_label": bin.label});
    json!({
        "file": path.to_string_lossy(),
        "n": report.n,
        "accuracy": report.accuracy,
        "macro_recall": report.macro_recall,
        "macro_f1": report.macro_f1,
        "mae": report.mae,
        "macro_mae": report.macro_mae,
        "mean_label": report.mean_label,
        "mean_class": report.mean_class,
        "mean_value": report.mean_value,
        "calibration_error": report.calibration_error,
        "calibration": report.bins.iter().map(bin).collect::<Vec<_>>(),
        "groups": report.groups,
        "group_class_r": report.group_class_r,
        "group_value_r": report.group_value_r,
        "confusion": report.confusion,
        "tweets_per_second": measured.per_second,
    })
}

fn as_text(path: &Path, measured: &Measured) -> String {
    let report = &measured.report;
    let mut text = format!("{}: {} texts\n", path.display(), report.n);
    let mut line = |name: &str, value: f64| {
        let _ = writeln!(text, "  {name:18} {value:.4}");
    };
    line("accuracy", report.accuracy);
    line("macro recall", report.macro_recall);
    line("macro F1", report.macro_f1);
    line("MAE", report.mae);
    line("macro MAE", report.macro_mae);
    line("mean label", report.mean_label);
    line("mean class", report.mean_class);
    line("mean value", report.mean_value);
    line("calibration error", report.calibration_error);
    if let (Some(class), Some(value)) = (report.group_class_r, report.group_value_r) {
        line("topic r of classes", class);
        line("topic r of values", value);
    }
    let _ = writeln!(text, "  {:18} {:.0}", "tweets/s", measured.per_second);
    let _ = writeln!(text, "  calibration: n, mean value, mean label");
    for bin in &report.bins {
        let _ = writeln!(text, "    {:6} {:.3} {:.3}", bin.n, bin.value, bin.label);
    }
    let _ = writeln!(
        text,
        "  confusion: a row for each label, a column for each class"
    );
    for row in &report.confusion {
        let cells: Vec<String> = row.iter().map(|n| format!("{n:6}")).collect();
        let _ = writeln!(text, "    {}", cells.join(" "));
    }
    text
}
