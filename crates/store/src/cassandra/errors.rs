//! Maps errors of the driver to errors of the store.
//!
//! Every error response of a node is [`StoreError::Unavailable`], that of a missing table too: a node
//! that just restarted may not have the table yet. Rows without the expected form are
//! [`StoreError::Corrupt`].

use moodvane_model::ContextError;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::errors::{
    ExecutionError, FirstRowError, IntoRowsResultError, MaybeFirstRowError, MetadataError,
    NextRowError, PagerExecutionError, PrepareError, RowsError, SchemaAgreementError,
    SingleRowError,
};

use crate::StoreError;

const REQUEST_FAILED: &str = "cassandra request failed";
const INVALID_ROW: &str = "invalid row in cassandra";

impl From<NextRowError> for StoreError {
    fn from(error: NextRowError) -> Self {
        match error {
            NextRowError::NextPageError(page) => {
                Self::Unavailable(ContextError::caused_by(REQUEST_FAILED, page))
            }
            other => Self::Corrupt(ContextError::caused_by(INVALID_ROW, other)),
        }
    }
}

macro_rules! map_errors {
    ($kind:ident($message:expr): $($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::$kind(ContextError::caused_by($message, error))
            }
        }
    )+};
}

map_errors!(Unavailable(REQUEST_FAILED): ExecutionError, PagerExecutionError, PrepareError,
    SchemaAgreementError, MetadataError);
map_errors!(Corrupt(INVALID_ROW): IntoRowsResultError, RowsError, FirstRowError,
    MaybeFirstRowError, SingleRowError, DeserializationError, TypeCheckError);
