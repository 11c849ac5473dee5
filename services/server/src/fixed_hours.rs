//! The hours of `/test`, whose result can be computed by hand.
//!
//! | hour          | classes of the posts | temperatures by source, °C             |
//! |---------------|----------------------|----------------------------------------|
//! | 2018-01-01 02 | 1 2 2                | a: 6, 8                                |
//! | 2018-01-01 03 | 2 2                  | a: 9                                   |
//! | 2018-01-01 04 | 2 2 3                | a: 12; b: 14; c: 40                    |
//! | 2018-01-01 05 | 1 3                  | a: 10.5; b: 11.5                       |
//! | 2018-01-01 06 | 4 4                  | none: the hour is not in the answer    |
//! | 2018-01-01 07 | none                 | a: 5: the hour is not in the answer    |
//!
//! Feelings: 5/3 = 1.67, 2, 7/3 = 2.33, 2; their mean is 2, the deviations are -1/3, 0, 1/3, 0.
//! Temperatures: 7, 9, 13 (the median of 12, 14 and 40 is 14, so c differs by 26 °C and is
//! excluded), 11; their mean is 10, the deviations are -3, -1, 3, 1.
//! Sums: of the products 1 + 0 + 1 + 0 = 2; of the squares 1/9 + 1/9 = 2/9 and 9 + 1 + 9 + 1 = 20.
//! r² = 2² / (2/9 · 20) = 4 / (40/9) = 0.9.
//!
//! Guarantee: the same code processes these rows and those of the store.

use moodvane_analysis::OutlierBound;
use moodvane_model::{
    CityId, HourRow, ModelError, Observation, Readings, Score, Sentiment, SourceId, Sums,
};

use crate::answer::WeatherAnswer;
use crate::request::ResponseOptions;

type Temperatures = [(&'static str, &'static [f64])];

const HOURS: [(&str, &[u8], &Temperatures); 6] = [
    ("2018-01-01 02", &[1, 2, 2], &[("a", &[6.0, 8.0])]),
    ("2018-01-01 03", &[2, 2], &[("a", &[9.0])]),
    (
        "2018-01-01 04",
        &[2, 2, 3],
        &[("a", &[12.0]), ("b", &[14.0]), ("c", &[40.0])],
    ),
    ("2018-01-01 05", &[1, 3], &[("a", &[10.5]), ("b", &[11.5])]),
    ("2018-01-01 06", &[4, 4], &[]),
    ("2018-01-01 07", &[], &[("a", &[5.0])]),
];

/// The answer over the fixed hours.
pub(crate) fn answer() -> Result<WeatherAnswer, ModelError> {
    let rows = HOURS
        .iter()
        .map(|(hour, classes, weather)| row(hour, classes, weather))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(WeatherAnswer::new(
        &rows,
        OutlierBound::STANDARD,
        ResponseOptions::default(),
    ))
}

fn row(hour: &str, classes: &[u8], weather: &Temperatures) -> Result<HourRow, ModelError> {
    let hour = hour.parse()?;
    let mut row = HourRow::empty(CityId::parse("test")?, hour);
    let mut posts = Sums::default();
    for class in classes {
        let sentiment = Sentiment::try_from(*class)?;
        posts.add_post(hour.start(), Some(Score::new(sentiment, f64::from(*class))));
    }
    row.add(SourceId::parse("posts")?, &posts);
    for (source, values) in weather {
        let source = SourceId::parse(source)?;
        let mut sums = Sums::default();
        for celsius in *values {
            let observation = Observation {
                city: row.city,
                source,
                observed_at: hour.start(),
                received_at: hour.start(),
                readings: Readings::new(*celsius)?,
            };
            sums.add_observation(hour.start(), &observation);
        }
        row.add(source, &sums);
    }
    Ok(row)
}
