//! Credentials for Marathon.
//!
//! Guarantee: a password or token comes from a file or the environment, and no message contains it.

use std::fmt;
use std::fs;
use std::path::Path;

use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;

use super::ClientError;

const MAX_SECRET_BYTES: usize = 64 << 10;

/// Credentials for Marathon.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// No authentication.
    None,
    /// User and password.
    Basic(String, String),
    /// A token for the DC/OS gateway.
    Token(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic(user, _) => write!(f, "Basic({user:?}, ***)"),
            Self::Token(_) => f.write_str("Token(***)"),
        }
    }
}

impl Credentials {
    /// Loads a user's password, or a token, each from a file or a given value.
    ///
    /// # Errors
    /// [`ClientError`] if the parts do not fit together or a file cannot be read.
    pub fn load(
        user: Option<String>,
        (password_file, password): (Option<&Path>, Option<String>),
        (token_file, token): (Option<&Path>, Option<String>),
    ) -> Result<Self, ClientError> {
        let password = load_secret("--password-file", password_file, password)?;
        let token = load_secret("--token-file", token_file, token)?;
        match (user, password, token) {
            (None, None, None) => Ok(Self::None),
            (Some(user), Some(password), None) => Ok(Self::Basic(user, password)),
            (None, None, Some(token)) => Ok(Self::Token(token)),
            (_, _, Some(_)) => Err(invalid("--token-file", "excludes --user and a password")),
            (Some(_), None, None) => {
                Err(invalid("--user", "needs --password-file or FLEET_PASSWORD"))
            }
            (None, Some(_), None) => Err(invalid("--password-file", "needs --user")),
        }
    }

    pub(super) fn apply_to(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Basic(user, password) => request.basic_auth(user, Some(password)),
            Self::Token(token) => request.header(AUTHORIZATION, format!("token={token}")),
        }
    }
}

fn load_secret(
    option: &str,
    file: Option<&Path>,
    value: Option<String>,
) -> Result<Option<String>, ClientError> {
    let text = match file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| ClientError::UnreadableFile {
                path: path.to_owned(),
                source,
            })?;
            Some(text)
        }
        None => value,
    };
    let Some(text) = text else { return Ok(None) };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return Err(invalid(
            option,
            &format!("must have 1 to {MAX_SECRET_BYTES} bytes"),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn invalid(option: &str, reason: &str) -> ClientError {
    ClientError::InvalidOption {
        option: option.to_owned(),
        reason: reason.to_owned(),
    }
}
