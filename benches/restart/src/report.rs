//! The report: summary tables as Markdown, every trial as CSV.

use std::fmt::Write as _;
use std::time::Duration;

use crate::availability::Availability;
use crate::baseline::BASELINES;
use crate::full_cycle::FullCycle;
use crate::options::KillMethod;
use crate::summary::Summary;
use crate::trial::Trial;

const TITLE: &str = "# Restart times\n\nSeconds from the kill with the image present; where it is absent, from the launch.\n\n";
const TRIALS_HEAD: &str = "| part | killed by | until | trials | mean | variance | p50 | p95 | maximum |\n\
    | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
const AVAILABILITY_HEAD: &str = "\n## Availability of the other tasks\n\n\
    | part that was killed | killed by | questions to others | failed | requests to the balancer | failed | longest gap |\n\
    | --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
const BASELINE_HEAD: &str = "\n## Comparison with the seed\n\n\
    | what | trials | mean | variance | p50 | p95 | maximum | seed |\n\
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
const CSV_COLUMNS: [&str; 11] = [
    "part",
    "killed_by",
    "asked",
    "launched_ms",
    "healthy_ms",
    "answered_ms",
    "others_asked",
    "others_failed",
    "balancer_asked",
    "balancer_failed",
    "balancer_gap_ms",
];

/// The trials of one app with one kill method.
pub(crate) struct TrialGroup<'t> {
    pub(crate) app: &'t str,
    pub(crate) method: KillMethod,
    /// In the order in which they ran.
    pub(crate) trials: Vec<&'t Trial>,
}

impl TrialGroup<'_> {
    /// Sums the counts and keeps the longest gap.
    fn availability(&self) -> Availability {
        let zero = Availability::default();
        self.trials.iter().fold(zero, |sum, trial| {
            let one = trial.availability;
            Availability {
                task_probes: sum.task_probes + one.task_probes,
                task_failures: sum.task_failures + one.task_failures,
                proxy_requests: sum.proxy_requests + one.proxy_requests,
                proxy_failures: sum.proxy_failures + one.proxy_failures,
                proxy_gap: sum.proxy_gap.max(one.proxy_gap),
            }
        })
    }
}

/// Groups the trials by app and kill method.
pub(crate) fn group_trials(trials: &[Trial]) -> Vec<TrialGroup<'_>> {
    let mut groups: Vec<TrialGroup<'_>> = Vec::new();
    for trial in trials {
        let (app, method) = (trial.app.as_str(), trial.method);
        let group = groups
            .iter_mut()
            .find(|group| group.app == app && group.method == method);
        match group {
            Some(group) => group.trials.push(trial),
            None => groups.push(TrialGroup {
                app,
                method,
                trials: vec![trial],
            }),
        }
    }
    groups
}

pub(crate) fn markdown(trials: &[Trial], cycles: &[FullCycle]) -> String {
    let groups = group_trials(trials);
    let mut text = String::from(TITLE);
    write_trials(&mut text, &groups);
    write_availability(&mut text, &groups);
    write_comparison(&mut text, trials, cycles);
    text
}

fn write_trials(text: &mut String, groups: &[TrialGroup<'_>]) {
    text.push_str(TRIALS_HEAD);
    for group in groups {
        let probe = group.trials.first().map_or("", |trial| trial.probe);
        let healthy = Summary::from_durations(group.trials.iter().map(|t| t.times.healthy));
        let answered = Summary::from_durations(group.trials.iter().map(|t| t.times.answered));
        let rows = [
            ("healthy".to_owned(), healthy),
            (format!("first `{probe}`"), answered),
        ];
        for (until, summary) in rows {
            let Some(summary) = summary else { continue };
            let (app, method, cells) = (group.app, group.method.name(), cells(summary));
            let _ = writeln!(text, "| {app} | {method} | {until} | {cells} |");
        }
    }
}

fn write_availability(text: &mut String, groups: &[TrialGroup<'_>]) {
    text.push_str(AVAILABILITY_HEAD);
    for group in groups {
        let counts = group.availability();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {:.3} s |",
            group.app,
            group.method.name(),
            counts.task_probes,
            counts.task_failures,
            counts.proxy_requests,
            counts.proxy_failures,
            counts.proxy_gap.as_secs_f64()
        );
    }
}

/// Writes our figures beside the seed's, in the order of [`BASELINES`].
fn write_comparison(text: &mut String, trials: &[Trial], cycles: &[FullCycle]) {
    text.push_str(BASELINE_HEAD);
    let restarts = trials
        .iter()
        .filter(|trial| trial.method != KillMethod::Absent);
    let summaries = [
        Summary::from_durations(cycles.iter().map(|cycle| cycle.launch)),
        Summary::from_durations(cycles.iter().map(|cycle| cycle.stop)),
        Summary::from_durations(restarts.map(|trial| trial.times.answered)),
    ];
    for (baseline, summary) in BASELINES.iter().zip(summaries) {
        let ours = summary.map_or_else(|| "0 | | | | |".to_owned(), cells);
        let _ = writeln!(
            text,
            "| {} | {ours} | {} s, {} |",
            baseline.operation, baseline.seconds, baseline.remark
        );
    }
}

fn cells(summary: Summary) -> String {
    let Summary {
        count,
        mean,
        variance,
        p50,
        p95,
        max,
    } = summary;
    format!("{count} | {mean:.2} | {variance:.3} | {p50:.2} | {p95:.2} | {max:.2}")
}

/// One row per trial, then two per full cycle.
pub(crate) fn csv(trials: &[Trial], cycles: &[FullCycle]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(CSV_COLUMNS)?;
    for trial in trials {
        writer.write_record(csv_record(trial))?;
    }
    for cycle in cycles {
        for (operation, time) in [("launch", cycle.launch), ("stop", cycle.stop)] {
            let time = millis(time);
            writer.write_record([
                "everything",
                operation,
                "",
                "",
                "",
                &time,
                "",
                "",
                "",
                "",
                "",
            ])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn csv_record(trial: &Trial) -> [String; CSV_COLUMNS.len()] {
    let counts = trial.availability;
    [
        trial.app.clone(),
        trial.method.name().to_owned(),
        trial.probe.to_owned(),
        millis(trial.times.launched),
        millis(trial.times.healthy),
        millis(trial.times.answered),
        counts.task_probes.to_string(),
        counts.task_failures.to_string(),
        counts.proxy_requests.to_string(),
        counts.proxy_failures.to_string(),
        millis(counts.proxy_gap),
    ]
}

fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot;
    use crate::trial::RecoveryTimes;

    fn trial(app: &str, method: KillMethod, answered: u64) -> Trial {
        let millis = Duration::from_millis;
        Trial {
            app: app.to_owned(),
            method,
            probe: "GET /ready",
            times: RecoveryTimes {
                launched: millis(answered / 4),
                healthy: millis(answered + 100),
                answered: millis(answered),
            },
            availability: Availability {
                task_probes: 100,
                task_failures: 1,
                proxy_requests: 50,
                proxy_failures: 0,
                proxy_gap: millis(60),
            },
        }
    }

    fn sample() -> (Vec<Trial>, [FullCycle; 2]) {
        let mut trials = Vec::new();
        for answered in [1_000, 1_200, 1_100, 2_000] {
            trials.push(trial("processor-tweets", KillMethod::Api, answered));
            trials.push(trial("processor-tweets", KillMethod::Sigkill, answered * 2));
        }
        let cycle = |stop, launch| FullCycle {
            stop: Duration::from_secs(stop),
            launch: Duration::from_secs(launch),
        };
        (trials, [cycle(3, 70), cycle(5, 80)])
    }

    #[test]
    fn markdown_compares_every_app_with_baseline() {
        let (trials, cycles) = sample();
        insta::assert_snapshot!(markdown(&trials, &cycles));
    }

    #[test]
    fn csv_has_row_per_trial() {
        let (trials, cycles) = sample();
        insta::assert_snapshot!(csv(&trials, &cycles).unwrap());
        let empty = csv(&[], &[]).unwrap();
        assert_eq!(empty.lines().count(), 1, "only the header: {empty}");
    }

    #[test]
    fn plot_has_dot_per_trial() {
        let (trials, _) = sample();
        let svg = plot::svg(&trials).unwrap();
        assert_eq!(svg.matches("<circle").count(), trials.len());
        assert!(
            svg.contains("processor-tweets, SIGKILL") && svg.contains("the seed"),
            "{svg}"
        );
        plot::svg(&[]).unwrap();
    }
}
