//! The scorer that the configuration names.

use moodvane_runtime::Settings;
use moodvane_sentiment::{Rule, ScorerChoice, ScorerName};

/// Reads `[sentiment]`. `None` where there is a fault, which is then noted in `settings`.
#[must_use]
pub fn read_scorer(settings: &Settings) -> Option<ScorerChoice> {
    let section = settings.section("sentiment");
    let name = section.parse::<ScorerName>("scorer");
    let rule = section.parse::<Rule>("rule");
    Some(name?.with(rule?))
}
