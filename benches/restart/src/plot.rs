//! The trials as a picture: a dot for each, a bar at the median, the seed's mean as a line.

use plotters::prelude::*;

use crate::figures::Figures;
use crate::report::grouped;
use crate::trial::Trial;

const WIDTH: u32 = 960;
const ROW: u32 = 34;
const SEED_MEAN_S: f64 = 5.0;
const OURS: RGBColor = RGBColor(31, 119, 180);
const SEED: RGBColor = RGBColor(200, 80, 40);

/// The picture as SVG.
pub(crate) fn svg(trials: &[Trial]) -> anyhow::Result<String> {
    let groups = grouped(trials);
    let most = trials
        .iter()
        .map(|trial| trial.answered.as_secs_f64())
        .fold(SEED_MEAN_S, f64::max)
        * 1.08;
    let rows = groups.len().max(1);
    let height = ROW * u32::try_from(rows)? + 90;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area, &groups, most)?;
        area.present()?;
    }
    Ok(text)
}

type Group<'t> = ((&'t str, crate::options::How), Vec<&'t Trial>);
type Area<'s> = DrawingArea<SVGBackend<'s>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, groups: &[Group<'_>], most: f64) -> anyhow::Result<()> {
    let rows = groups.len().max(1) as f64;
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "from the kill to the first good answer, in seconds",
            ("sans-serif", 17),
        )
        .margin(10)
        .x_label_area_size(32)
        .y_label_area_size(230)
        .build_cartesian_2d(0.0..most, 0.0..rows)?;
    let name = |row: &f64| {
        // Rows are counted from below; their names stand in their middles.
        let index = (rows - row).floor() as usize;
        groups
            .get(index)
            .map_or_else(String::new, |((app, how), _)| {
                format!("{app}, {}", how.name())
            })
    };
    let middle = |index: usize| rows - index as f64 - 0.5;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .draw()?;
    for (index, (_, members)) in groups.iter().enumerate() {
        let y = middle(index);
        let dots = members
            .iter()
            .map(|trial| Circle::new((trial.answered.as_secs_f64(), y), 3, OURS.mix(0.6).filled()));
        chart.draw_series(dots)?;
        if let Some(figures) = Figures::of(members.iter().map(|trial| trial.answered)) {
            let bar = PathElement::new(
                vec![(figures.p50, y - 0.3), (figures.p50, y + 0.3)],
                OURS.stroke_width(2),
            );
            chart.draw_series([bar])?;
        }
        let (_, top) = chart.backend_coord(&(0.0, y));
        let style = ("sans-serif", 14).into_font().color(&BLACK);
        area.draw(&Text::new(name(&y), (14, top - 7), style))?;
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
