//! The weather of a place at one time.

/// The weather at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Air temperature in °C.
    pub temperature_c: f64,
    /// Relative humidity in percent.
    pub humidity_pct: f64,
    /// Precipitation in mm/h.
    pub precipitation_mm_h: f64,
    /// Wind speed in m/s.
    pub wind_m_s: f64,
    /// Cloud cover in percent.
    pub cloud_pct: f64,
    /// Pressure at sea level in hPa.
    pub pressure_hpa: f64,
}

impl Weather {
    /// The values in the order of [`Variable::ALL`](moodvane_model::Variable::ALL).
    #[must_use]
    pub fn values(&self) -> [f64; 6] {
        [
            self.temperature_c,
            self.humidity_pct,
            self.precipitation_mm_h,
            self.wind_m_s,
            self.cloud_pct,
            self.pressure_hpa,
        ]
    }
}
