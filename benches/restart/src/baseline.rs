//! Figures of the seed, the system that this project started from, for comparison.

/// One figure of the seed.
pub(crate) struct Baseline {
    pub(crate) operation: &'static str,
    pub(crate) seconds: &'static str,
    pub(crate) remark: &'static str,
}

pub(crate) const BASELINES: [Baseline; 3] = [
    Baseline {
        operation: "launch of everything",
        seconds: "510",
        remark: "180 of them sleeps",
    },
    Baseline {
        operation: "stop of everything",
        seconds: "4",
        remark: "not verified",
    },
    Baseline {
        operation: "restart of a part, image present",
        seconds: "5",
        remark: "mean of all parts",
    },
];
