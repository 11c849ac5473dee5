//! One weather reading of one source.

use crate::{CityId, ModelError, Quantity, SourceId, Timestamp, Variable};

/// The values of one observation. The temperature is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    values: [Option<Quantity>; Variable::ALL.len()],
}

impl Readings {
    /// Readings that hold the temperature alone, in °C.
    ///
    /// # Errors
    /// [`ModelError::Quantity`] where the temperature is impossible.
    pub fn new(temperature_c: f64) -> Result<Self, ModelError> {
        let mut values = [None; Variable::ALL.len()];
        values[Variable::Temperature.index()] =
            Some(Quantity::new(Variable::Temperature, temperature_c)?);
        Ok(Self { values })
    }

    /// The same readings with `variable` set, in the variable's unit; `None` changes nothing.
    ///
    /// # Errors
    /// [`ModelError::Quantity`] where the value is impossible.
    pub fn with(mut self, variable: Variable, value: Option<f64>) -> Result<Self, ModelError> {
        if let Some(value) = value {
            self.values[variable.index()] = Some(Quantity::new(variable, value)?);
        }
        Ok(self)
    }

    /// The value of a variable, where the source gave one.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<Quantity> {
        self.values[variable.index()]
    }
}

/// One weather reading of one source for one city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// The city it was made for.
    pub city: CityId,
    /// The source that gave it.
    pub source: SourceId,
    /// When it was made, by the source's account.
    pub observed_at: Timestamp,
    /// When the ingester got it; for history that is played again, the time it was made.
    pub received_at: Timestamp,
    /// What was read.
    pub readings: Readings,
}

impl Observation {
    /// What makes the observation itself: `city:source:observed_at` with the time in milliseconds.
    /// It is also the record's key.
    #[must_use]
    pub fn identity(&self) -> String {
        format!(
            "{}:{}:{}",
            self.city,
            self.source,
            self.observed_at.millis()
        )
    }
}
