//! Where Marathon is and how one logs in there.
//!
//! Guarantee: a password or token comes from a file or the environment, and no message shows it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder};
use url::Url;

use super::ClientError;

const MAX_SECRET_BYTES: usize = 64 << 10;
const MAX_ADDRESSES: usize = 16;

/// How one logs in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody asks.
    None,
    /// By name and password.
    Basic(String, String),
    /// By a token, as the gateway of DC/OS wants it.
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
    /// The login of a user whose password is in a file or a variable, or of whoever has a token.
    ///
    /// # Errors
    /// [`ClientError::InvalidOption`] where one is given without the other, or a file cannot be read.
    pub fn load(
        user: Option<String>,
        (password_file, password): (Option<&Path>, Option<String>),
        (token_file, token): (Option<&Path>, Option<String>),
    ) -> Result<Self, ClientError> {
        let password = secret("--password-file", password_file, password)?;
        let token = secret("--token-file", token_file, token)?;
        match (user, password, token) {
            (None, None, None) => Ok(Self::None),
            (Some(user), Some(password), None) => Ok(Self::Basic(user, password)),
            (None, None, Some(token)) => Ok(Self::Token(token)),
            (_, _, Some(_)) => Err(wrong(
                "--token-file",
                "and a user are both given: one login is enough",
            )),
            (Some(_), None, None) => {
                Err(wrong("--user", "needs --password-file or FLEET_PASSWORD"))
            }
            (None, Some(_), None) => Err(wrong("--password-file", "needs --user")),
        }
    }

    pub(super) fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Basic(user, password) => request.basic_auth(user, Some(password)),
            Self::Token(token) => request.header(AUTHORIZATION, format!("token={token}")),
        }
    }
}

/// Where Marathon is, how one logs in, and whom its certificate is signed by.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    pub(super) addresses: Vec<Url>,
    pub(super) login: Credentials,
    pub(super) agent: Option<String>,
    ca_file: Option<PathBuf>,
}

impl ClientOptions {
    /// Checks the addresses.
    ///
    /// # Errors
    /// [`ClientError::InvalidOption`] where one is no address, or a login would go over an open line.
    pub fn new(
        addresses: &[String],
        login: Credentials,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, ClientError> {
        let texts = addresses
            .iter()
            .flat_map(|some| some.split(','))
            .map(str::trim);
        let addresses = texts
            .filter(|text| !text.is_empty())
            .map(address)
            .collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            let why =
                format!("must be 1 to {MAX_ADDRESSES} addresses, such as http://master-1:8080");
            return Err(wrong("--marathon", &why));
        }
        let open = addresses
            .iter()
            .find(|url| url.scheme() == "http" && !is_loopback(url));
        if let (Some(url), true) = (open, login != Credentials::None) {
            let why = format!(
                "{url} is not encrypted, and a login must not go over an open line: use https"
            );
            return Err(wrong("--marathon", &why));
        }
        Ok(Self {
            addresses,
            login,
            agent: None,
            ca_file,
        })
    }

    /// The same, with agents elsewhere than at port 5051 of their hosts; `{host}` stands for the host.
    #[must_use]
    pub fn with_agent_url(self, agent: Option<String>) -> Self {
        Self { agent, ..self }
    }

    pub(super) fn http(&self, connect: Duration) -> Result<reqwest::Client, ClientError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(connect)
            // Redirections are followed here, where it is known to whom a login may go.
            .redirect(Policy::none())
            .user_agent(concat!("moodvane-fleet/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.ca_file {
            let what = path.display().to_string();
            let pem = fs::read(path).map_err(|error| wrong(&what, &error.to_string()))?;
            let authorities = Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(&what, &format!("holds no certificate: {error}")))?;
            if authorities.is_empty() {
                return Err(wrong(&what, "holds no certificate; it must be PEM"));
            }
            builder = builder.tls_certs_only(authorities);
        } else if self.addresses.iter().all(|url| url.scheme() == "http") {
            // Reading the system's authorities takes longer than most requests.
            builder = builder.tls_certs_only([]);
        }
        builder
            .build()
            .map_err(|error| wrong("the HTTP client", &super::chain(&error)))
    }
}

fn address(text: &str) -> Result<Url, ClientError> {
    let wanted = "must look like http://master-1:8080";
    let url: Url = text
        .parse()
        .map_err(|error| wrong(text, &format!("{error}; {wanted}")))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(wrong(text, wanted));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "--marathon",
            "an address must hold no password: use --user and --password-file",
        ));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn secret(
    what: &str,
    file: Option<&Path>,
    inline: Option<String>,
) -> Result<Option<String>, ClientError> {
    let text = match (file, inline) {
        (Some(path), _) => Some(
            fs::read_to_string(path)
                .map_err(|error| wrong(what, &format!("{}: {error}", path.display())))?,
        ),
        (None, inline) => inline,
    };
    let Some(text) = text else { return Ok(None) };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return Err(wrong(
            what,
            &format!("must hold 1 to {MAX_SECRET_BYTES} bytes"),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn wrong(what: &str, why: &str) -> ClientError {
    ClientError::InvalidOption {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}
