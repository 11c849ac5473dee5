//! The data sets of `study/reference.py`, bit for bit.
#![allow(dead_code, reason = "each test uses a part")]

use serde::Deserialize;

/// The parameters of a data set.
#[derive(Deserialize)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) cities: u64,
    pub(crate) hours: usize,
    /// Percent of hours that are missing.
    pub(crate) gap: f64,
    /// Hours without rows in any city.
    pub(crate) outage: [usize; 2],
    pub(crate) weighted: bool,
}

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal, by additions alone, which round equally everywhere.
    pub(crate) fn normal(&mut self) -> f64 {
        let sum = (0..12).fold(0.0, |sum, _| sum + self.uniform());
        sum - 6.0
    }
}

#[derive(Clone, Copy)]
struct Row {
    city: u64,
    hour: usize,
    temperature: f64,
    wet: f64,
    wet_before: f64,
    pressure: f64,
    pressure_before: f64,
}

/// The rows of a data set.
#[derive(Default)]
pub(crate) struct Panel {
    rows: Vec<Row>,
    pub(crate) response: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) hours: Vec<u32>,
}

impl Panel {
    pub(crate) fn new(spec: &Spec) -> Self {
        let mut random = SplitMix::new(spec.seed);
        let mut value = 0.0;
        let shocks: Vec<f64> = (0..spec.hours)
            .map(|_| {
                value = 0.7 * value + 0.5 * random.normal();
                value
            })
            .collect();
        let mut panel = Self::default();
        for city in 0..spec.cities {
            panel.add_city(spec, city, &shocks);
        }
        panel
    }

    fn add_city(&mut self, spec: &Spec, city: u64, shocks: &[f64]) {
        let mut random = SplitMix::new(spec.seed * 1000 + city + 1);
        let (mut temperature, mut pressure, mut noise, mut wet) = (0.0, 0.0, 0.0, 0.0);
        let mut history: Vec<(f64, f64)> = Vec::new();
        for (hour, shock) in shocks.iter().enumerate() {
            temperature = 0.9 * temperature + random.normal();
            pressure = 0.95 * pressure + random.normal();
            noise = 0.6 * noise + random.normal();
            if random.uniform() < if wet > 0.0 { 0.2 } else { 0.05 } {
                wet = 1.0 - wet;
            }
            let has_gap = random.uniform() * 100.0 < spec.gap;
            let posts = 1.0 + (random.uniform() * 40.0).floor();
            history.push((pressure, wet));
            if has_gap || (spec.outage[0]..spec.outage[1]).contains(&hour) {
                continue;
            }
            self.rows.push(Row {
                city,
                hour,
                temperature,
                wet,
                wet_before: if hour > 0 { history[hour - 1].1 } else { 0.0 },
                pressure,
                pressure_before: if hour >= 3 { history[hour - 3].0 } else { 0.0 },
            });
            self.hours.push(hour as u32);
            self.weights.push(if spec.weighted { posts } else { 1.0 });
            let cycle = 2.0 + 0.1 * city as f64 + 0.02 * (hour % 24) as f64;
            self.response
                .push(cycle - 0.3 * wet + 0.05 * temperature + 0.3 * noise + 0.2 * shock);
        }
    }

    pub(crate) fn column(&self, name: &str) -> Vec<f64> {
        let indicator = |holds: bool| f64::from(u8::from(holds));
        let value = |row: &Row| match name {
            "temperature" => row.temperature,
            "cold" => indicator(row.temperature < -1.0),
            "warm" => indicator(row.temperature >= 1.0),
            "hot" => indicator(row.temperature >= 50.0),
            "wet" => row.wet,
            "wet_before" => row.wet_before,
            "pressure" => row.pressure,
            "pressure_before" => row.pressure_before,
            "pressure_change" => row.pressure - row.pressure_before,
            "city_number" => row.city as f64,
            "month_number" => (row.hour / 720) as f64,
            other => panic!("no column {other}"),
        };
        self.rows.iter().map(value).collect()
    }

    pub(crate) fn keys(&self, name: &str) -> Vec<u64> {
        let key = |row: &Row| {
            let (city, hour) = (row.city, row.hour as u64);
            match name {
                "one" => 0,
                "city" => city,
                "city_hour_of_day" => city * 24 + hour % 24,
                "city_day_of_week" => city * 7 + hour / 24 % 7,
                "city_hour_of_week" => city * 168 + hour % 168,
                "city_month" => city * 1000 + hour / 720,
                "date" => hour / 24,
                other => panic!("no effect {other}"),
            }
        };
        self.rows.iter().map(key).collect()
    }
}
