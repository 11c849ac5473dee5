//! What the driver says, in the store's words.
//!
//! All that a node answers instead of rows is [`StoreError::Unavailable`], a missing table too: a
//! node that has just come back does not know it yet. Rows that are not as they were written are
//! [`StoreError::Corrupt`].

use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::errors::{
    ExecutionError, FirstRowError, IntoRowsResultError, MaybeFirstRowError, MetadataError,
    NextRowError, PagerExecutionError, PrepareError, RowsError, SchemaAgreementError,
    SingleRowError,
};

use crate::StoreError;

impl From<NextRowError> for StoreError {
    fn from(error: NextRowError) -> Self {
        match error {
            NextRowError::NextPageError(page) => Self::Unavailable(page.to_string().into()),
            other => Self::Corrupt(other.to_string().into()),
        }
    }
}

macro_rules! say {
    ($kind:ident: $($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::$kind(error.to_string().into())
            }
        }
    )+};
}

say!(Unavailable: ExecutionError, PagerExecutionError, PrepareError, SchemaAgreementError,
    MetadataError);
say!(Corrupt: IntoRowsResultError, RowsError, FirstRowError, MaybeFirstRowError, SingleRowError,
    DeserializationError, TypeCheckError);
