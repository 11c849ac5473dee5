//! Estimates with intervals, one below the other, as in a forest plot.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::DrawError;
use super::style::{FEELING, INK, LINE, MUTED, TEXT_SIZE, WEATHER, WIDTH};
use crate::numbers::signed;
use crate::report::Estimate;

const ROW_HEIGHT: u32 = 30;
const AXIS_HEIGHT: u32 = 40;
const LABELS_WIDTH: u32 = 240;
const VALUES_WIDTH: u32 = 150;
/// The smallest half-range of the axis, in classes.
const MIN_REACH: f64 = 0.05;

/// A row.
pub(super) struct Interval {
    pub(super) label: String,
    /// A short text in place of the estimate's numbers, where there are none.
    pub(super) detail: String,
    pub(super) estimate: Option<Estimate>,
    pub(super) is_reference: bool,
    /// Drawn in the second colour.
    pub(super) is_muted: bool,
}

pub(super) fn forest(rows: &[Interval]) -> Result<String, DrawError> {
    let height = ROW_HEIGHT * u32::try_from(rows.len().max(1))? + AXIS_HEIGHT + 8;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&root, rows)?;
        root.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, rows: &[Interval]) -> Result<(), DrawError> {
    let ends = rows.iter().filter_map(|row| row.estimate);
    let reach = ends.map(|estimate| estimate.low.abs().max(estimate.high.abs()));
    let reach = reach.fold(MIN_REACH, f64::max) * 1.08;
    let count = rows.len().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_top(8)
        .set_label_area_size(LabelAreaPosition::Left, LABELS_WIDTH)
        .set_label_area_size(LabelAreaPosition::Right, VALUES_WIDTH)
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS_HEIGHT)
        .build_cartesian_2d(-reach..reach, 0.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .x_labels(7)
        .x_desc("classes of feeling")
        .label_style(("sans-serif", TEXT_SIZE).into_font().color(&MUTED))
        .x_label_formatter(&|value| signed(*value, 2))
        .draw()?;
    let zero = vec![(0.0, 0.0), (0.0, count)];
    chart.draw_series([PathElement::new(zero, INK.stroke_width(1))])?;
    for (index, row) in rows.iter().enumerate() {
        // The vertical axis points upwards; the first row is the top one.
        let y = count - index as f64 - 0.5;
        let colour = if row.is_muted { WEATHER } else { FEELING };
        if let Some(estimate) = row.estimate {
            let bar = vec![(estimate.low, y), (estimate.high, y)];
            chart.draw_series([PathElement::new(bar, colour.stroke_width(2))])?;
            chart.draw_series([Circle::new((estimate.value, y), 4, colour.filled())])?;
        } else if row.is_reference {
            chart.draw_series([Circle::new((0.0, y), 4, INK.filled())])?;
        }
        let (_, middle) = chart.backend_coord(&(0.0, y));
        label(
            area,
            &row.label,
            (LABELS_WIDTH as i32 - 10, middle),
            HPos::Right,
        )?;
        let right = (WIDTH - VALUES_WIDTH) as i32 + 10;
        label(area, &value_text(row), (right, middle), HPos::Left)?;
    }
    Ok(())
}

fn value_text(row: &Interval) -> String {
    match row.estimate {
        Some(e) => format!(
            "{} ({}, {})",
            signed(e.value, 2),
            signed(e.low, 2),
            signed(e.high, 2)
        ),
        None if row.is_reference => format!("reference, {}", row.detail),
        None => row.detail.clone(),
    }
}

fn label(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos) -> Result<(), DrawError> {
    let style = ("sans-serif", TEXT_SIZE)
        .into_font()
        .color(&INK)
        .pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
