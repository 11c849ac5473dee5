//! Which hours enter the regression, and the weather before and after them.

use moodvane_analysis::WET_MM_PER_H;
use moodvane_model::{CityId, Variable};

use crate::answer::{Factor, LagWindow, LeftOutHours, LeftOutVariable, PRESSURE_CHANGE_HOURS};
use crate::bins::REFERENCE_C;
use crate::hours::{CityHours, EffectHour, HourFeeling, WEEK_HOURS};
use crate::options::EffectOptions;

/// A variable enters if at least this share of the hours with posts have it.
pub(crate) const MIN_SHARE: f64 = 0.8;
/// The ends of the windows of the past, in hours.
const WINDOW_ENDS: [usize; 5] = [3, 6, 12, 24, 48];

/// The hours of a city, sorted, without duplicates.
pub(crate) struct CitySeries<'a> {
    pub(crate) city: CityId,
    pub(crate) hours: Vec<&'a EffectHour>,
}

/// All cities, and the variables that enter.
pub(crate) struct Series<'a> {
    pub(crate) cities: Vec<CitySeries<'a>>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) left_out_variables: Vec<LeftOutVariable>,
    pub(crate) duplicates: usize,
}

impl<'a> Series<'a> {
    pub(crate) fn new(cities: &'a [CityHours]) -> Self {
        let mut duplicates = 0;
        let cities: Vec<CitySeries<'a>> = cities
            .iter()
            .map(|city| {
                let mut hours: Vec<&EffectHour> = city.hours.iter().collect();
                hours.sort_by_key(|hour| hour.hour);
                hours.dedup_by_key(|hour| hour.hour);
                duplicates += city.hours.len() - hours.len();
                let city = city.city;
                CitySeries { city, hours }
            })
            .collect();
        let with_posts = || {
            let hours = cities.iter().flat_map(|city| &city.hours);
            hours.filter(|hour| hour.feeling.is_some())
        };
        let total = with_posts().count().max(1) as f64;
        let (mut variables, mut left_out_variables) = (Vec::new(), Vec::new());
        for variable in Variable::ALL {
            let share = with_posts().filter(|h| h.value(variable).is_some()).count() as f64 / total;
            if share >= MIN_SHARE {
                variables.push(variable);
            } else {
                left_out_variables.push(LeftOutVariable { variable, share });
            }
        }
        Self {
            cities,
            variables,
            left_out_variables,
            duplicates,
        }
    }

    pub(crate) fn has(&self, variable: Variable) -> bool {
        self.variables.contains(&variable)
    }

    /// The share of hours with posts that have a precipitation.
    pub(crate) fn precipitation_share(&self) -> f64 {
        let left_out = self.left_out_variables.iter();
        let share =
            |v: &LeftOutVariable| (v.variable == Variable::Precipitation).then_some(v.share);
        left_out.filter_map(share).next().unwrap_or(1.0)
    }

    /// Whether past and future can enter.
    pub(crate) fn has_lags(&self) -> bool {
        self.has(Variable::Temperature) && self.has(Variable::Precipitation)
    }
}

/// The rain and the temperature of a window: the number of wet hours, and the sum of temperatures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct WindowSums {
    pub(crate) wet: f64,
    pub(crate) temperature: f64,
}

/// An hour of the regression.
pub(crate) struct Row<'a> {
    /// The index of the city among those of the sample.
    pub(crate) city: usize,
    pub(crate) hour: &'a EffectHour,
    pub(crate) feeling: HourFeeling,
    pub(crate) pressure_change: f64,
}

impl Row<'_> {
    /// The value of a variable that all rows have.
    pub(crate) fn value(&self, variable: Variable) -> f64 {
        self.hour.value(variable).unwrap_or_default()
    }

    pub(crate) fn is_wet(&self) -> bool {
        self.value(Variable::Precipitation) >= WET_MM_PER_H
    }

    /// The number of the week.
    pub(crate) fn week(&self) -> i32 {
        self.hour.local.block(WEEK_HOURS)
    }
}

/// The rows of the regression, in the order of cities and time.
pub(crate) struct Sample<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    /// For each window, the sums of each row.
    pub(crate) past: Vec<Vec<WindowSums>>,
    pub(crate) future: Vec<Vec<WindowSums>>,
    pub(crate) windows: Vec<LagWindow>,
    pub(crate) left_out: LeftOutHours,
}

/// Which windows a row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Past,
    PastAndFuture,
}

impl<'a> Sample<'a> {
    /// The rows of some cities of a series.
    pub(crate) fn new(
        series: &Series<'a>,
        cities: std::ops::Range<usize>,
        options: &EffectOptions,
        needs: Needs,
    ) -> Self {
        let windows = if series.has_lags() {
            windows(options.lag_hours)
        } else {
            Vec::new()
        };
        let mut sample = Self {
            rows: Vec::new(),
            past: vec![Vec::new(); windows.len()],
            future: match needs {
                Needs::Past => Vec::new(),
                Needs::PastAndFuture => vec![Vec::new(); windows.len()],
            },
            windows,
            left_out: LeftOutHours::default(),
        };
        for (city, series_of_city) in series.cities[cities].iter().enumerate() {
            for at in 0..series_of_city.hours.len() {
                sample.add(series, &series_of_city.hours, city, at, options, needs);
            }
        }
        sample
    }

    fn add(
        &mut self,
        series: &Series<'a>,
        hours: &[&'a EffectHour],
        city: usize,
        at: usize,
        options: &EffectOptions,
        needs: Needs,
    ) {
        let hour = hours[at];
        let feeling = hour.feeling.filter(|f| f.posts >= options.min_posts.max(1));
        let Some(feeling) = feeling else {
            self.left_out.too_few_posts += 1;
            return;
        };
        if !feeling.mean.is_finite() {
            self.left_out.invalid_feeling += 1;
            return;
        }
        let missing = series.variables.iter().find(|v| hour.value(**v).is_none());
        if let Some(variable) = missing {
            self.left_out.without_variable[variable.index()] += 1;
            return;
        }
        let pressure_change = if series.has(Variable::Pressure) {
            pressure_change(hours, at)
        } else {
            Some(0.0)
        };
        let Some(pressure_change) = pressure_change else {
            self.left_out.without_earlier_pressure += 1;
            return;
        };
        let before = hours[..at].iter().rev();
        let past = window_sums(before.copied(), hour, &self.windows);
        let future = match needs {
            Needs::Past => Some(Vec::new()),
            Needs::PastAndFuture => {
                window_sums(hours[at + 1..].iter().copied(), hour, &self.windows)
            }
        };
        let (Some(past), Some(future)) = (past, future) else {
            self.left_out.without_past += 1;
            return;
        };
        for (column, sums) in self.past.iter_mut().zip(past) {
            column.push(sums);
        }
        for (column, sums) in self.future.iter_mut().zip(future) {
            column.push(sums);
        }
        self.rows.push(Row {
            city,
            hour,
            feeling,
            pressure_change,
        });
    }

    /// The rain or the temperature of a window in all rows.
    pub(crate) fn window_column(
        &self,
        sums: &[Vec<WindowSums>],
        factor: Factor,
        window: LagWindow,
    ) -> Vec<f64> {
        let position = self.windows.iter().position(|other| *other == window);
        let sums = position.and_then(|position| sums.get(position));
        let usual = REFERENCE_C * window.hours() as f64;
        let value = |sums: &WindowSums| match factor {
            Factor::Precipitation => sums.wet,
            _ => sums.temperature - usual,
        };
        sums.map_or_else(Vec::new, |sums| sums.iter().map(value).collect())
    }

    /// The number of spells of wet hours; a gap ends a spell.
    pub(crate) fn wet_spells(&self) -> usize {
        let is_continued = |pair: &[Row<'_>]| {
            let follows = pair[0].hour.hour.index() + 1 == pair[1].hour.hour.index();
            pair[0].is_wet() && pair[0].city == pair[1].city && follows
        };
        let first = self.rows.first().is_some_and(Row::is_wet);
        let later = self
            .rows
            .windows(2)
            .filter(|pair| pair[1].is_wet() && !is_continued(pair));
        usize::from(first) + later.count()
    }
}

/// The windows of a past of this length.
fn windows(lag_hours: usize) -> Vec<LagWindow> {
    let firsts = std::iter::once(1).chain(WINDOW_ENDS.iter().map(|end| end + 1));
    firsts
        .zip(WINDOW_ENDS)
        .filter(|(first, _)| *first <= lag_hours)
        .map(|(first, last)| LagWindow {
            first,
            last: last.min(lag_hours),
        })
        .collect()
}

fn pressure_change(hours: &[&EffectHour], at: usize) -> Option<f64> {
    let now = hours[at];
    let earlier = hours[..at]
        .iter()
        .rev()
        .take_while(|hour| hour.hour.index() + PRESSURE_CHANGE_HOURS >= now.hour.index())
        .find(|hour| hour.hour.index() + PRESSURE_CHANGE_HOURS == now.hour.index())?;
    Some(now.value(Variable::Pressure)? - earlier.value(Variable::Pressure)?)
}

/// The sums of each window, where the mean of its known hours stands for the others. `None` if less
/// than half of a window is known.
fn window_sums<'a>(
    neighbours: impl Iterator<Item = &'a EffectHour>,
    now: &EffectHour,
    windows: &[LagWindow],
) -> Option<Vec<WindowSums>> {
    let mut sums = vec![(WindowSums::default(), 0usize); windows.len()];
    let farthest = windows.last().map_or(0, |window| window.last);
    for hour in neighbours {
        let distance = hour.hour.index().abs_diff(now.hour.index()) as usize;
        if distance > farthest {
            break;
        }
        let window = windows.partition_point(|window| window.last < distance);
        let known = hour
            .value(Variable::Precipitation)
            .zip(hour.value(Variable::Temperature));
        if let Some((precipitation, temperature)) = known {
            let (sum, count) = &mut sums[window];
            sum.wet += f64::from(u8::from(precipitation >= WET_MM_PER_H));
            sum.temperature += temperature;
            *count += 1;
        }
    }
    sums.into_iter()
        .zip(windows)
        .map(|((sum, known), window)| {
            let factor = window.hours() as f64 / known as f64;
            (2 * known >= window.hours()).then_some(WindowSums {
                wet: sum.wet * factor,
                temperature: sum.temperature * factor,
            })
        })
        .collect()
}
