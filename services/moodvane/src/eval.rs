//! `moodvane eval`: the accuracy of a scorer on human labels.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use moodvane_model::{Account, Example};
use moodvane_sentiment::evaluation::{
    Evaluation, GroupReport, LabelKind, LabelledText, LineError, MeanMeasures, Report,
    labelled_lines,
};
use moodvane_sentiment::{Scorer, Text};
use serde_json::{Value, json};

use crate::account::{InputReport, Report as AccountReport};
use crate::cli::{EvalArgs, GlobalArgs, ScorerArgs};
use crate::score::build_scorer;

/// The largest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Evaluates the scorer on each file.
pub(crate) fn run(args: &EvalArgs, global: &GlobalArgs) -> anyhow::Result<ExitCode> {
    let mut account = AccountReport::begin("eval", &args.account)?;
    let mut scorer = build_scorer(&args.scorer, global)?;
    let mut answers = Vec::new();
    for path in &args.files {
        let labels = args.labels.or_else(|| labels(path)).with_context(|| {
            format!(
                "cannot infer the labels of {} from its name: set --labels to 3, 5 or raters",
                path.display()
            )
        })?;
        let measured = measure(path, labels, &args.scorer, scorer.as_mut(), &mut account)?;
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
    account.finish(true)
}

fn labels(path: &Path) -> Option<LabelKind> {
    LabelKind::by_name(&path.file_name()?.to_string_lossy())
}

struct Measured {
    report: Report,
    /// The number of rows of the file; the report has those that were kept.
    rows: u64,
    per_second: f64,
}

fn measure(
    path: &PathBuf,
    labels: LabelKind,
    args: &ScorerArgs,
    scorer: &mut dyn Scorer,
    report: &mut AccountReport,
) -> anyhow::Result<Measured> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    anyhow::ensure!(
        size <= MAX_FILE_BYTES,
        "{shown} is larger than {MAX_FILE_BYTES} bytes"
    );
    let file = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let mut account = Account::default();
    let rows = read_rows(&file, labels, &mut account).with_context(|| shown.to_string())?;
    let undone = rows
        .iter()
        .map(|(_, row)| args.undo_entities(row.text).text);
    let undone: Vec<Cow<'_, str>> = undone.collect();
    let texts: Vec<Text<'_>> = undone.iter().map(|text| Text::plain(text)).collect();
    let mut scores = Vec::with_capacity(texts.len());
    let start = Instant::now();
    scorer.score_batch(&texts, &mut scores)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut tally = Evaluation::with_calibration(labels.scale(), scorer.calibration());
    for ((line, row), score) in rows.iter().zip(&scores) {
        let Some(score) = score else {
            account.leave_out("unscored", || {
                example("the scorer declines the text", *line).with_value(row.text)
            });
            continue;
        };
        account.keep(1);
        tally.add(row.label, row.topic, *score);
    }
    let (read, kept) = (account.records_read(), account.records_kept());
    report.add(InputReport::new(shown.to_string(), "rows", account));
    if kept == 0 {
        report.print(false);
        anyhow::bail!("{shown}: none of {read} rows can be evaluated");
    }
    Ok(Measured {
        report: tally.report(),
        rows: read,
        per_second: texts.len() as f64 / seconds.max(1e-9),
    })
}

/// The rows of a file with their lines, without those that the account leaves out.
fn read_rows<'f>(
    file: &'f [u8],
    labels: LabelKind,
    account: &mut Account,
) -> anyhow::Result<Vec<(usize, LabelledText<'f>)>> {
    let mut rows = Vec::new();
    for (line, raw, row) in labelled_lines(file, labels)? {
        match row {
            Ok(row) => rows.push((line, row)),
            Err(error) => {
                let column = matches!(error, LineError::Label(_)).then_some("label");
                account.leave_out(reason(&error), || {
                    example(&error.to_string(), line)
                        .in_column(column)
                        .with_value(&String::from_utf8_lossy(raw))
                });
            }
        }
    }
    Ok(rows)
}

fn reason(error: &LineError) -> &'static str {
    match error {
        LineError::NotUtf8(_) => "not_utf8",
        LineError::Fields => "malformed",
        LineError::Label(_) => "label",
    }
}

fn example(why: &str, line: usize) -> Example {
    Example::new(why).at_line(u64::try_from(line).ok())
}

fn as_json(path: &Path, measured: &Measured) -> Value {
    let report = &measured.report;
    let bin = |bin: &moodvane_sentiment::evaluation::CalibrationBin| json!({"n": bin.n, "mean_value": bin.value, "mean_label": bin.label});
    json!({
        "file": path.to_string_lossy(),
        "n": report.n,
        "left_out": measured.rows.saturating_sub(report.n as u64),
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
        "groups": report.groups.as_ref().map(groups_as_json),
        "confusion": report.confusion,
        "tweets_per_second": measured.per_second,
    })
}

fn groups_as_json(groups: &GroupReport) -> Value {
    let means = |means: &MeanMeasures| {
        json!({
            "r": means.r,
            "slope": means.slope,
            "mean_difference": means.mean_difference,
            "mean_absolute_difference": means.mean_absolute_difference,
        })
    };
    let mut all = json!({"count": groups.count, "emd": groups.emd});
    if let (Value::Object(all), Value::Object(own)) = (&mut all, means(&groups.feeling)) {
        all.extend(own);
        all.insert("direct".to_owned(), means(&groups.direct));
    }
    all
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
    if let Some(groups) = &report.groups {
        line("topic EMD", groups.emd);
        line("topic difference", groups.feeling.mean_difference);
        line(
            "topic |difference|",
            groups.feeling.mean_absolute_difference,
        );
        if let (Some(r), Some(slope)) = (groups.feeling.r, groups.direct.slope) {
            line("topic r", r);
            line("topic slope", slope);
        }
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
