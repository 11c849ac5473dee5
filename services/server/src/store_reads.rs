//! Reads hour rows from the store before a deadline.

use moodvane_model::{CityId, HourRange, HourRow, Variable};
use moodvane_store::{RunInfo, Store};

use crate::deadline::Deadline;
use crate::problem::{Kind, Problem};

/// The rows of a range.
pub(crate) async fn hours(
    store: &dyn Store,
    deadline: Deadline,
    city: CityId,
    range: HourRange,
) -> Result<Vec<HourRow>, Problem> {
    deadline
        .run(store.hours(city, range))
        .await
        .map_err(|_| store_timeout(deadline))?
        .map_err(|error| Problem::from_store(&error))
}

/// The rows of a range, with only their posts and one weather variable.
pub(crate) async fn hours_with_variable(
    store: &dyn Store,
    deadline: Deadline,
    city: CityId,
    range: HourRange,
    variable: Variable,
) -> Result<Vec<HourRow>, Problem> {
    deadline
        .run(store.hours_with_variable(city, range, variable))
        .await
        .map_err(|_| store_timeout(deadline))?
        .map_err(|error| Problem::from_store(&error))
}

/// The runs.
pub(crate) async fn runs(store: &dyn Store, deadline: Deadline) -> Result<Vec<RunInfo>, Problem> {
    deadline
        .run(store.runs())
        .await
        .map_err(|_| store_timeout(deadline))?
        .map_err(|error| Problem::from_store(&error))
}

/// The problem of a store that did not answer before the deadline. Logs it.
pub(crate) fn store_timeout(deadline: Deadline) -> Problem {
    let timeout_ms = deadline.timeout_ms();
    tracing::error!(timeout_ms, "store did not answer in time");
    let detail = format!(
        "the store did not answer within {timeout_ms} ms; try again, or request fewer hours"
    );
    Problem::new(Kind::StoreTimeout, detail)
}
