//! A plot of the trials: a dot per trial, a bar at each median, a line at the seed's mean.

use plotters::prelude::*;

use crate::report::{TrialGroup, group_trials};
use crate::summary::Summary;
use crate::trial::Trial;

const WIDTH: u32 = 960;
const ROW_HEIGHT: u32 = 34;
const SEED_MEAN_S: f64 = 5.0;
const OURS: RGBColor = RGBColor(31, 119, 180);
const SEED: RGBColor = RGBColor(200, 80, 40);

/// Renders the plot as SVG.
pub(crate) fn svg(trials: &[Trial]) -> anyhow::Result<String> {
    let groups = group_trials(trials);
    let max = trials
        .iter()
        .map(|trial| trial.times.answered.as_secs_f64())
        .fold(SEED_MEAN_S, f64::max)
        * 1.08;
    let rows = groups.len().max(1);
    let height = ROW_HEIGHT * u32::try_from(rows)? + 90;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area, &groups, max)?;
        area.present()?;
    }
    Ok(text)
}

type Area<'s> = DrawingArea<SVGBackend<'s>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, groups: &[TrialGroup<'_>], max: f64) -> anyhow::Result<()> {
    let rows = groups.len().max(1) as f64;
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "from the kill to the first successful answer, in seconds",
            ("sans-serif", 17),
        )
        .margin(10)
        .x_label_area_size(32)
        .y_label_area_size(230)
        .build_cartesian_2d(0.0..max, 0.0..rows)?;
    // The y axis points upwards; the first group is the top row.
    let row_centre = |index: usize| rows - index as f64 - 0.5;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .draw()?;
    for (index, group) in groups.iter().enumerate() {
        let y = row_centre(index);
        let times = group.trials.iter().map(|trial| trial.times.answered);
        let dots = times
            .clone()
            .map(|time| Circle::new((time.as_secs_f64(), y), 3, OURS.mix(0.6).filled()));
        chart.draw_series(dots)?;
        if let Some(Summary { p50, .. }) = Summary::from_durations(times) {
            let bar = vec![(p50, y - 0.3), (p50, y + 0.3)];
            chart.draw_series([PathElement::new(bar, OURS.stroke_width(2))])?;
        }
        let (_, top) = chart.backend_coord(&(0.0, y));
        let style = ("sans-serif", 14).into_font().color(&BLACK);
        let label = format!("{}, {}", group.app, group.method.name());
        area.draw(&Text::new(label, (14, top - 7), style))?;
    }
    let seed = PathElement::new(
        vec![(SEED_MEAN_S, 0.0), (SEED_MEAN_S, rows)],
        SEED.stroke_width(1),
    );
    chart.draw_series([seed])?;
    let (left, _) = chart.backend_coord(&(SEED_MEAN_S, rows));
    let style = ("sans-serif", 13).into_font().color(&SEED);
    area.draw(&Text::new("the seed's mean", (left + 4, 34), style))?;
    Ok(())
}
