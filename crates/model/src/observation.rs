//! One weather measurement of one source.

use crate::{CityId, ModelError, Quantity, SourceId, Timestamp, Variable};

/// The values of one observation. The temperature is always present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    values: [Option<Quantity>; Variable::ALL.len()],
}

impl Readings {
    /// Readings with the temperature alone, in °C.
    ///
    /// # Errors
    /// [`ModelError::Quantity`] if the temperature is outside its physical limits.
    pub fn new(temperature_c: f64) -> Result<Self, ModelError> {
        let mut values = [None; Variable::ALL.len()];
        values[Variable::Temperature.index()] =
            Some(Quantity::new(Variable::Temperature, temperature_c)?);
        Ok(Self { values })
    }

    /// Sets the value of a variable in its unit. `None` changes nothing.
    ///
    /// # Errors
    /// [`ModelError::Quantity`] if the value is outside the variable's physical limits.
    pub fn with(mut self, variable: Variable, value: Option<f64>) -> Result<Self, ModelError> {
        if let Some(value) = value {
            self.values[variable.index()] = Some(Quantity::new(variable, value)?);
        }
        Ok(self)
    }

    /// The value of a variable, or `None` if the source does not report it.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<Quantity> {
        self.values[variable.index()]
    }
}

/// One weather measurement of one source for one city: a record of topic `temperature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// The city.
    pub city: CityId,
    /// The source.
    pub source: SourceId,
    /// When the source measured the values.
    pub observed_at: Timestamp,
    /// When the ingester received it. For replayed history, equal to `observed_at`.
    pub received_at: Timestamp,
    /// The measured values.
    pub readings: Readings,
}

/// An observation that was decoded from a record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedObservation {
    /// The observation.
    pub observation: Observation,
    /// The variables whose values in the record are impossible or no numbers, and left out.
    pub omitted: Vec<Variable>,
}

impl Observation {
    /// The identity `city:source:observed_at`, with the time in milliseconds. It is the record's key;
    /// records with equal identity are duplicates.
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
