//! The curve of the temperature, with its band, and the number of hours of each bin below it.

use plotters::prelude::*;

use super::DrawError;
use super::style::{FEELING, INK, LINE, MUTED, TEXT_SIZE, WEATHER, WIDTH};
use crate::numbers::signed;
use crate::report::Bin;

const CURVE_HEIGHT: u32 = 300;
const HOURS_HEIGHT: u32 = 110;
/// The smallest half-range of the vertical axis, in classes.
const MIN_REACH: f64 = 0.05;
const LEFT: u32 = 62;

/// A point of the curve. The reference is 0 without an interval.
struct Point {
    x: f64,
    value: f64,
    interval: Option<(f64, f64)>,
    band: (f64, f64),
}

pub(super) fn draw(bins: &[Bin]) -> Result<String, DrawError> {
    let points: Vec<Point> = bins.iter().filter_map(point).collect();
    let mut svg = String::new();
    {
        let size = (WIDTH, CURVE_HEIGHT + HOURS_HEIGHT);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let (upper, lower) = root.split_vertically(CURVE_HEIGHT);
        let x_range = x_range(bins);
        draw_curve(&upper, &points, x_range.clone())?;
        draw_hours(&lower, bins, x_range)?;
        root.present()?;
    }
    Ok(svg)
}

fn point(bin: &Bin) -> Option<Point> {
    if bin.is_reference {
        return Some(Point {
            x: bin.mean,
            value: 0.0,
            interval: None,
            band: (0.0, 0.0),
        });
    }
    let estimate = bin.difference?;
    let band = bin.band_low.zip(bin.band_high);
    Some(Point {
        x: bin.mean,
        value: estimate.value,
        interval: Some((estimate.low, estimate.high)),
        band: band.unwrap_or((estimate.low, estimate.high)),
    })
}

/// The temperatures of all bins; an open bin ends as far beyond its mean as it begins before it.
fn x_range(bins: &[Bin]) -> std::ops::Range<f64> {
    let edges = bins.iter().map(edges);
    let (low, high) = edges.fold((f64::MAX, f64::MIN), |(low, high), (a, b)| {
        (low.min(a), high.max(b))
    });
    low..high.max(low + 1.0)
}

fn edges(bin: &Bin) -> (f64, f64) {
    let low = bin
        .low
        .unwrap_or_else(|| 2.0 * bin.mean - bin.high.unwrap_or(bin.mean));
    let high = bin.high.unwrap_or(2.0 * bin.mean - low);
    (low, high)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_curve(
    area: &Area<'_>,
    points: &[Point],
    x_range: std::ops::Range<f64>,
) -> Result<(), DrawError> {
    let reach = points
        .iter()
        .map(|point| point.band.0.abs().max(point.band.1.abs()));
    let reach = reach.fold(MIN_REACH, f64::max) * 1.08;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, 4)
        .build_cartesian_2d(x_range.clone(), -reach..reach)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .y_labels(7)
        .y_desc("classes")
        .label_style(("sans-serif", TEXT_SIZE).into_font().color(&MUTED))
        .y_label_formatter(&|value| signed(*value, 2))
        .draw()?;
    let upper = points.iter().map(|point| (point.x, point.band.1));
    let lower = points.iter().rev().map(|point| (point.x, point.band.0));
    let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
    chart.draw_series([Polygon::new(outline, FEELING.mix(0.15).filled())])?;
    let zero = vec![(x_range.start, 0.0), (x_range.end, 0.0)];
    chart.draw_series([PathElement::new(zero, INK.stroke_width(1))])?;
    let curve: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.value)).collect();
    chart.draw_series([PathElement::new(curve, FEELING.stroke_width(2))])?;
    let bars = points.iter().filter_map(|point| {
        let (low, high) = point.interval?;
        let bar = vec![(point.x, low), (point.x, high)];
        Some(PathElement::new(bar, FEELING.stroke_width(2)))
    });
    chart.draw_series(bars)?;
    let dots = points
        .iter()
        .map(|point| Circle::new((point.x, point.value), 4, FEELING.filled()));
    chart.draw_series(dots)?;
    Ok(())
}

fn draw_hours(
    area: &Area<'_>,
    bins: &[Bin],
    x_range: std::ops::Range<f64>,
) -> Result<(), DrawError> {
    let most = bins.iter().map(|bin| bin.hours).max().unwrap_or(1).max(1);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_top(0)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, 40)
        .build_cartesian_2d(x_range, 0.0..most as f64 * 1.05)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(LINE)
        .x_desc("°C")
        .x_labels(14)
        .y_labels(2)
        .y_desc("hours")
        .label_style(("sans-serif", TEXT_SIZE).into_font().color(&MUTED))
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()?;
    let bars = bins.iter().map(|bin| {
        let (low, high) = edges(bin);
        let gap = (high - low) * 0.04;
        let corners = [(low + gap, 0.0), (high - gap, bin.hours as f64)];
        Rectangle::new(corners, WEATHER.mix(0.55).filled())
    });
    chart.draw_series(bars)?;
    Ok(())
}
