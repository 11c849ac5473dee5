//! The account with which a batch command ends: on standard error for people, in a file as JSON.
//!
//! Guarantees: every input has an account, also after an interruption or a failure, and then says that
//! it is not complete. A file for the report that cannot be written fails before anything is read.
//! With `--strict` a command that left anything out ends with [`EXIT_LEFT_OUT`].

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::HumanCount;
use moodvane_model::{Account, Example, LeftOut, Topic};
use moodvane_processor::ProcessorMetrics;
use serde::Serialize;
use serde_json::json;

/// sysexits(3) EX_DATAERR: with `--strict`, something was left out.
const EXIT_LEFT_OUT: u8 = 65;

/// The version of the report's shape.
const REPORT_VERSION: u32 = 1;

/// The unit of a topic.
const RECORDS: &str = "records";

/// Flags of the account.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AccountArgs {
    /// Exits with 65 if anything was left out: a row, a record, a text or a value of weather.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Writes the account as JSON: what was read, kept and left out, by reason, with examples.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// The account of a command.
pub(crate) struct Report {
    command: &'static str,
    strict: bool,
    file: Option<(PathBuf, File)>,
    inputs: Vec<InputReport>,
}

/// The account of one input.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InputReport {
    /// The path of a file, or the name of a topic.
    input: String,
    /// What it consists of: rows, texts, records or dead letters.
    unit: &'static str,
    /// For a file that was read in part before: the first line that was read now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resumed_at_line: Option<u64>,
    /// For times whose format was to be found: what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_format: Option<String>,
    #[serde(flatten)]
    account: Account,
}

impl InputReport {
    pub(crate) fn new(input: impl Into<String>, unit: &'static str, account: Account) -> Self {
        Self {
            input: input.into(),
            unit,
            resumed_at_line: None,
            time_format: None,
            account,
        }
    }
}

/// What this process has folded of each topic.
pub(crate) fn of_topics(metrics: &ProcessorMetrics) -> Vec<InputReport> {
    let of_topic = |topic: Topic| {
        let name = format!("topic {topic}");
        InputReport::new(name, RECORDS, metrics.account(topic))
    };
    Topic::ALL.map(of_topic).into()
}

impl Report {
    /// Begins the account of a command, and creates the file of the report.
    pub(crate) fn begin(command: &'static str, args: &AccountArgs) -> anyhow::Result<Self> {
        let create = |path: &PathBuf| {
            let file = File::create(path)
                .with_context(|| format!("cannot write the report {}", path.display()))?;
            anyhow::Ok((path.clone(), file))
        };
        Ok(Self {
            command,
            strict: args.strict,
            file: args.report.as_ref().map(create).transpose()?,
            inputs: Vec::new(),
        })
    }

    /// Adds the account of an input.
    pub(crate) fn add(&mut self, input: InputReport) {
        self.inputs.push(input);
    }

    /// Prints the account and writes the file. Returns 65 if anything was left out and `--strict` is
    /// set, else 0.
    pub(crate) fn finish(mut self, complete: bool) -> anyhow::Result<ExitCode> {
        self.print(complete);
        let json = serde_json::to_string_pretty(&self.to_json(complete))?;
        if let Some((path, file)) = &mut self.file {
            writeln!(file, "{json}")
                .with_context(|| format!("cannot write the report {}", path.display()))?;
        }
        let is_refused = self.strict && self.left_out() > 0;
        if is_refused {
            eprintln!("--strict: {} left out", HumanCount(self.left_out()));
        }
        Ok(match is_refused {
            true => ExitCode::from(EXIT_LEFT_OUT),
            false => ExitCode::SUCCESS,
        })
    }

    /// Prints the account.
    pub(crate) fn print(&self, complete: bool) {
        eprint!("{}", self.to_text(complete));
    }

    /// Whether `--strict` refuses what was read so far.
    pub(crate) fn is_refused(&self) -> bool {
        self.strict && self.left_out() > 0
    }

    fn left_out(&self) -> u64 {
        let of_input = |input: &InputReport| {
            input.account.records_left_out() + input.account.count_values_left_out()
        };
        self.inputs.iter().map(of_input).sum()
    }

    fn to_json(&self, complete: bool) -> serde_json::Value {
        json!({
            "version": REPORT_VERSION,
            "command": self.command,
            "complete": complete,
            "left_out": self.left_out(),
            "inputs": self.inputs,
        })
    }

    fn to_text(&self, complete: bool) -> String {
        let mut text = String::new();
        if !complete {
            text.push_str("the account is not complete: the command was interrupted or failed\n");
        }
        // A topic without records says nothing to people.
        let is_shown =
            |input: &&InputReport| input.unit != RECORDS || input.account != Account::default();
        for input in self.inputs.iter().filter(is_shown) {
            write_input(&mut text, input);
        }
        text
    }
}

fn write_input(text: &mut String, input: &InputReport) {
    let (name, unit, account) = (&input.input, input.unit, &input.account);
    let _ = write!(
        text,
        "{name}: {} {unit} read, {} kept, {} left out, {} duplicates, {} out of range",
        HumanCount(account.records_read()),
        HumanCount(account.records_kept()),
        HumanCount(account.records_left_out()),
        HumanCount(account.duplicates()),
        HumanCount(account.out_of_range()),
    );
    let unselected: u64 = account.not_selected().values().sum();
    let _ = match unselected {
        0 => writeln!(text),
        n => writeln!(text, ", {} not selected", HumanCount(n)),
    };
    if let Some(line) = input.resumed_at_line {
        let _ = writeln!(text, "  resumed at line {line}");
    }
    if let Some(format) = &input.time_format {
        let _ = writeln!(text, "  format of times: {format}");
    }
    for (reason, records) in account.not_selected() {
        let _ = writeln!(text, "  not selected, {reason}: {}", HumanCount(*records));
    }
    for (variable, values) in account.values_missing() {
        let _ = writeln!(
            text,
            "  missing values of {variable}: {}",
            HumanCount(*values)
        );
    }
    for (reason, left_out) in account.left_out() {
        let _ = write!(text, "  left out, {reason}");
        write_left_out(text, left_out);
    }
    for (variable, reasons) in account.values_left_out() {
        for (reason, left_out) in reasons {
            let _ = write!(text, "  value of {variable} left out, {reason}");
            write_left_out(text, left_out);
        }
    }
}

fn write_left_out(text: &mut String, left_out: &LeftOut) {
    let _ = writeln!(text, ": {}", HumanCount(left_out.count));
    for example in &left_out.examples {
        let _ = writeln!(text, "    {}", describe(example));
    }
}

/// An example in one line: where, column and value unless the problem names them, and the problem.
fn describe(example: &Example) -> String {
    let value = example
        .value()
        .filter(|value| !example.why().contains(value));
    let value = value.map(|value| format!("{value:?}"));
    let column = example.column().map(|name| format!("column {name}"));
    let column = column.filter(|column| !example.why().contains(column.as_str()));
    let parts = [example.place(), column, value].into_iter().flatten();
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => example.why().to_owned(),
        false => format!("{}: {}", parts.join(", "), example.why()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn report(strict: bool) -> Report {
        let args = AccountArgs {
            strict,
            report: None,
        };
        let mut report = Report::begin("replay", &args).unwrap();
        let mut rows = Account::default();
        rows.keep(1_200);
        rows.skip_out_of_range();
        rows.skip_unselected("no_city");
        for line in [7_u64, 9, 12, 15] {
            rows.leave_out("malformed", || {
                Example::new("column at: \"noon\" is not a time")
                    .at_line(Some(line))
                    .in_column(Some("at"))
                    .with_value("noon")
            });
        }
        rows.leave_out_value("wind", "impossible_value", || {
            Example::new("wind 900 is impossible")
                .at_line(Some(3))
                .with_value("900.0 kn")
        });
        rows.count_missing_value("humidity");
        let mut file = InputReport::new("posts.tsv", "rows", rows);
        file.resumed_at_line = Some(2);
        file.time_format = Some("pandas".to_owned());
        report.add(file);
        let mut records = Account::default();
        records.keep(3);
        records.skip_duplicate();
        records.leave_out("json", || {
            Example::new("cannot parse record as JSON").at_position("0@17".to_owned())
        });
        report.add(InputReport::new("topic tweet", "records", records));
        report
    }

    #[test]
    fn account_matches_snapshots() {
        let report = report(false);
        insta::assert_snapshot!(report.to_text(true));
        insta::assert_json_snapshot!(report.to_json(true));
    }

    #[test]
    fn strict_refuses_omissions() {
        assert!(report(true).is_refused());
        assert!(!report(false).is_refused());
        let args = AccountArgs {
            strict: true,
            report: None,
        };
        let mut fine = Report::begin("replay", &args).unwrap();
        let mut account = Account::default();
        account.keep(2);
        account.skip_unselected("no_city");
        account.skip_duplicate();
        fine.add(InputReport::new("posts.tsv", "rows", account));
        assert!(!fine.is_refused(), "nothing is left out");
    }

    #[test]
    fn unwritable_report_fails_at_once() {
        let args = AccountArgs {
            strict: false,
            report: Some("/no/such/folder/report.json".into()),
        };
        let error = Report::begin("eval", &args).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder/report.json"));
    }
}
