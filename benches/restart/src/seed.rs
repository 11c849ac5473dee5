//! The figures of the system that this project started from, to stand beside ours.

/// One of its figures.
pub(crate) struct Seed {
    pub(crate) what: &'static str,
    pub(crate) seconds: &'static str,
    pub(crate) remark: &'static str,
}

/// All of them.
pub(crate) const SEED: [Seed; 3] = [
    Seed {
        what: "launch of everything",
        seconds: "510",
        remark: "180 of them sleeps",
    },
    Seed {
        what: "stop of everything",
        seconds: "4",
        remark: "not verified",
    },
    Seed {
        what: "restart of a part, image present",
        seconds: "5",
        remark: "mean of all parts",
    },
];
