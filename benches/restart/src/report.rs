//! The table for people, the times for programs.

use std::fmt::Write as _;

use crate::figures::Figures;
use crate::options::How;
use crate::others::Seen;
use crate::seed::SEED;
use crate::trial::Trial;
use crate::whole::Whole;

/// The trials of one app that was killed in one way, in the order of the trials.
pub(crate) fn grouped(trials: &[Trial]) -> Vec<((&str, How), Vec<&Trial>)> {
    let mut groups: Vec<((&str, How), Vec<&Trial>)> = Vec::new();
    for trial in trials {
        let key = (trial.app.as_str(), trial.how);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(trial),
            None => groups.push((key, vec![trial])),
        }
    }
    groups
}

/// The report as Markdown.
pub(crate) fn markdown(trials: &[Trial], whole: &[Whole]) -> String {
    let mut text = String::from(
        "# How soon the parts are back\n\nSeconds from the kill with the image present; where it is absent, from the launch.\n\n",
    );
    text.push_str(
        "| part | killed by | until | trials | mean | variance | p50 | p95 | maximum |\n",
    );
    text.push_str("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for ((app, how), members) in grouped(trials) {
        let asked = members.first().map_or("", |trial| trial.asked);
        let rows = [
            (
                "healthy".to_owned(),
                Figures::of(members.iter().map(|trial| trial.healthy)),
            ),
            (
                format!("first `{asked}`"),
                Figures::of(members.iter().map(|trial| trial.answered)),
            ),
        ];
        for (until, figures) in rows {
            if let Some(figures) = figures {
                let _ = writeln!(
                    text,
                    "| {app} | {} | {until} | {} |",
                    how.name(),
                    cells(figures)
                );
            }
        }
    }
    text.push_str("\n## The others meanwhile\n\n");
    text.push_str("| part that was killed | killed by | questions to others | failed | requests to the balancer | failed | longest gap |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for ((app, how), members) in grouped(trials) {
        let seen = together(&members);
        let _ = writeln!(
            text,
            "| {app} | {} | {} | {} | {} | {} | {:.3} s |",
            how.name(),
            seen.asked,
            seen.failed,
            seen.proxied,
            seen.proxied_failed,
            seen.proxied_gap.as_secs_f64()
        );
    }
    text.push_str("\n## Everything, and the seed\n\n");
    text.push_str("| what | trials | mean | variance | p50 | p95 | maximum | seed |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
    let figures = [
        Figures::of(whole.iter().map(|one| one.launch)),
        Figures::of(whole.iter().map(|one| one.stop)),
        Figures::of(
            trials
                .iter()
                .filter(|trial| trial.how != How::Absent)
                .map(|trial| trial.answered),
        ),
    ];
    for (seed, figures) in SEED.iter().zip(figures) {
        let ours = figures.map_or_else(|| "0 | | | | |".to_owned(), cells);
        let _ = writeln!(
            text,
            "| {} | {ours} | {} s, {} |",
            seed.what, seed.seconds, seed.remark
        );
    }
    text
}

fn cells(figures: Figures) -> String {
    let Figures {
        count,
        mean,
        variance,
        p50,
        p95,
        most,
    } = figures;
    format!("{count} | {mean:.2} | {variance:.3} | {p50:.2} | {p95:.2} | {most:.2}")
}

fn together(members: &[&Trial]) -> Seen {
    members.iter().fold(Seen::default(), |sum, trial| Seen {
        asked: sum.asked + trial.others.asked,
        failed: sum.failed + trial.others.failed,
        proxied: sum.proxied + trial.others.proxied,
        proxied_failed: sum.proxied_failed + trial.others.proxied_failed,
        proxied_gap: sum.proxied_gap.max(trial.others.proxied_gap),
    })
}

/// Every trial as a line of a table.
pub(crate) fn csv(trials: &[Trial], whole: &[Whole]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
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
    ])?;
    for trial in trials {
        let seen = trial.others;
        let times = [trial.launched, trial.healthy, trial.answered]
            .map(|time| time.as_millis().to_string());
        let counts = [seen.asked, seen.failed, seen.proxied, seen.proxied_failed]
            .map(|count| count.to_string());
        let mut record = vec![
            trial.app.clone(),
            trial.how.name().to_owned(),
            trial.asked.to_owned(),
        ];
        record.extend(times);
        record.extend(counts);
        record.push(seen.proxied_gap.as_millis().to_string());
        writer.write_record(&record)?;
    }
    for one in whole {
        for (what, time) in [("launch", one.launch), ("stop", one.stop)] {
            let time = time.as_millis().to_string();
            writer.write_record(["everything", what, "", "", "", &time, "", "", "", "", ""])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plot;

    fn trial(app: &str, how: How, answered: u64) -> Trial {
        let millis = Duration::from_millis;
        Trial {
            app: app.to_owned(),
            how,
            asked: "GET /ready",
            launched: millis(answered / 4),
            healthy: millis(answered + 100),
            answered: millis(answered),
            others: Seen {
                asked: 100,
                failed: 1,
                proxied: 50,
                proxied_failed: 0,
                proxied_gap: millis(60),
            },
        }
    }

    fn measured() -> (Vec<Trial>, [Whole; 2]) {
        let mut trials = Vec::new();
        for answered in [1_000, 1_200, 1_100, 2_000] {
            trials.push(trial("processor-tweets", How::Api, answered));
            trials.push(trial("processor-tweets", How::Sigkill, answered * 2));
        }
        let whole = |stop, launch| Whole {
            stop: Duration::from_secs(stop),
            launch: Duration::from_secs(launch),
        };
        (trials, [whole(3, 70), whole(5, 80)])
    }

    #[test]
    fn the_report_has_every_part_and_the_seed_beside_it() {
        let (trials, whole) = measured();
        insta::assert_snapshot!(markdown(&trials, &whole));
    }

    #[test]
    fn the_table_for_programs_has_every_trial() {
        let (trials, whole) = measured();
        insta::assert_snapshot!(csv(&trials, &whole).unwrap());
        let empty = csv(&[], &[]).unwrap();
        assert_eq!(empty.lines().count(), 1, "the head alone: {empty}");
    }

    #[test]
    fn the_picture_has_a_dot_for_every_trial() {
        let (trials, _) = measured();
        let svg = plot::svg(&trials).unwrap();
        assert_eq!(svg.matches("<circle").count(), trials.len());
        assert!(
            svg.contains("processor-tweets, SIGKILL") && svg.contains("the seed"),
            "{svg}"
        );
        plot::svg(&[]).unwrap();
    }
}
