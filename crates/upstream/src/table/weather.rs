//! Observations from a table.

use chrono::TimeDelta;
use csv::StringRecord;
use moodvane_model::{CityId, Observation, Readings, SourceId, Timestamp, Variable};

use super::posts::moment;
use super::row::{Column, Columns, Row, fault_in};
use super::{PrecipitationUnit, PressureUnit, TableError, TemperatureUnit, TimeFormat, WindUnit};
use crate::format::shortened;
use crate::{Dropped, Raw};

/// Which columns of a table say what of the weather, and in which unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeatherColumns {
    /// The column with the time of the observation.
    pub time: String,
    /// The column with the air temperature.
    pub temperature: (String, TemperatureUnit),
    /// The column with the relative humidity in %.
    pub humidity: Option<String>,
    /// The column with the precipitation per hour.
    pub precipitation: Option<(String, PrecipitationUnit)>,
    /// The column with the wind speed.
    pub wind: Option<(String, WindUnit)>,
    /// The column with the cloud cover in %.
    pub cloud: Option<String>,
    /// The column with the air pressure.
    pub pressure: Option<(String, PressureUnit)>,
}

/// Takes only the rows that have `value` in `column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column's name.
    pub column: String,
    /// What must stand there.
    pub value: String,
}

/// How a table's rows become observations.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherTableSpec {
    /// Which columns say what, in which unit.
    pub columns: WeatherColumns,
    /// How times are written.
    pub time: TimeFormat,
    /// What is added to each time.
    pub shift: TimeDelta,
    /// Which rows are meant: those that pass every filter.
    pub filters: Vec<Filter>,
}

/// Turns the rows of a table into observations. The time of receipt is the time of observation. A
/// value that is empty or `NA` is missing.
#[derive(Debug)]
pub struct WeatherTable {
    city: CityId,
    source: SourceId,
    time: Column,
    temperature: Value,
    others: Vec<Value>,
    filters: Vec<(Column, String)>,
    width: Option<usize>,
    format: TimeFormat,
    shift_ms: i64,
}

#[derive(Debug)]
struct Value {
    variable: Variable,
    column: Column,
    unit: Unit,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Percent,
    Temperature(TemperatureUnit),
    Precipitation(PrecipitationUnit),
    Wind(WindUnit),
    Pressure(PressureUnit),
}

impl Unit {
    fn convert(self, value: f64) -> f64 {
        match self {
            Self::Percent => value,
            Self::Temperature(unit) => unit.convert(value),
            Self::Precipitation(unit) => unit.convert(value),
            Self::Wind(unit) => unit.convert(value),
            Self::Pressure(unit) => unit.convert(value),
        }
    }
}

impl WeatherTable {
    /// Observations of `source` for `city` from tables with this header
    /// ([`super::RecordReader::header`]; `None` for JSONL).
    ///
    /// # Errors
    /// [`TableError::Columns`] with every column that the header lacks.
    pub fn new(
        (city, source): (CityId, SourceId),
        spec: &WeatherTableSpec,
        header: Option<&StringRecord>,
    ) -> Result<Self, TableError> {
        let named = &spec.columns;
        let mut columns = Columns::of(header);
        let time = columns.find(&named.time);
        let temperature = Value {
            variable: Variable::Temperature,
            column: columns.find(&named.temperature.0),
            unit: Unit::Temperature(named.temperature.1),
        };
        let others = others(named)
            .into_iter()
            .map(|(variable, name, unit)| Value {
                variable,
                column: columns.find(name),
                unit,
            })
            .collect();
        let filter = |filter: &Filter| (columns.find(&filter.column), filter.value.clone());
        let filters = spec.filters.iter().map(filter).collect();
        Ok(Self {
            city,
            source,
            time,
            temperature,
            others,
            filters,
            width: columns.finish()?,
            format: spec.time.clone(),
            shift_ms: spec.shift.num_milliseconds(),
        })
    }

    /// When the observation of a row was made, shifted; `None` where the row does not say it, or the
    /// filter leaves it out.
    #[must_use]
    pub fn time_of(&self, raw: &Raw) -> Option<Timestamp> {
        let row = Row::of(raw, self.width).ok()?;
        if !self.takes(&row) {
            return None;
        }
        moment(&row, &self.time, &self.format, self.shift_ms).ok()
    }

    fn takes(&self, row: &Row<'_>) -> bool {
        let passes =
            |(column, value): &(Column, String)| row.word(column).as_deref() == Some(value);
        self.filters.iter().all(passes)
    }

    /// The observation of a row.
    ///
    /// # Errors
    /// [`Dropped`] where the row is left out by the filter, has no temperature, or is not readable.
    pub fn read(&self, raw: &Raw) -> Result<Observation, Dropped> {
        let row = Row::of(raw, self.width)?;
        if !self.takes(&row) {
            return Err(Dropped::Filtered);
        }
        let at = moment(&row, &self.time, &self.format, self.shift_ms)?;
        let celsius = self.temperature.of(&row)?.ok_or(Dropped::NoTemperature)?;
        let mut readings =
            Readings::new(celsius).map_err(|source| self.temperature.impossible(source))?;
        for other in &self.others {
            readings = readings
                .with(other.variable, other.of(&row)?)
                .map_err(|source| other.impossible(source))?;
        }
        Ok(Observation {
            city: self.city,
            source: self.source,
            observed_at: at,
            received_at: at,
            readings,
        })
    }
}

fn others(named: &WeatherColumns) -> Vec<(Variable, &str, Unit)> {
    let mut found = Vec::new();
    if let Some(name) = &named.humidity {
        found.push((Variable::Humidity, name.as_str(), Unit::Percent));
    }
    if let Some((name, unit)) = &named.precipitation {
        found.push((Variable::Precipitation, name, Unit::Precipitation(*unit)));
    }
    if let Some((name, unit)) = &named.wind {
        found.push((Variable::Wind, name, Unit::Wind(*unit)));
    }
    if let Some(name) = &named.cloud {
        found.push((Variable::Cloud, name, Unit::Percent));
    }
    if let Some((name, unit)) = &named.pressure {
        found.push((Variable::Pressure, name, Unit::Pressure(*unit)));
    }
    found
}

impl Value {
    /// The value in our unit; `None` where it is missing.
    fn of(&self, row: &Row<'_>) -> Result<Option<f64>, Dropped> {
        let Some(word) = row.word(&self.column).filter(|word| word != "NA") else {
            return Ok(None);
        };
        match word.parse::<f64>() {
            Ok(value) => Ok(Some(self.unit.convert(value))),
            Err(_) => {
                let fault = format!("\"{}\" is neither a number nor NA", shortened(&word));
                Err(fault_in(&self.column, &fault))
            }
        }
    }

    fn impossible(&self, source: moodvane_model::ModelError) -> Dropped {
        Dropped::Impossible {
            field: format!("column {}", self.column.name),
            source,
        }
    }
}
