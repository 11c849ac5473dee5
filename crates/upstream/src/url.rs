//! Requests' addresses.

use url::Url;

/// `base` with `path` behind its own path. What `base` says after a `?`, such as a key, stays.
pub(crate) fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let own = url.path().trim_end_matches('/');
    if !own.ends_with(path) {
        let whole = format!("{own}{path}");
        url.set_path(&whole);
    }
    url.set_fragment(None);
    url
}

/// `url` with these parameters behind those that it has.
pub(crate) fn with_query<const N: usize>(mut url: Url, pairs: [(&str, &str); N]) -> Url {
    url.query_pairs_mut().extend_pairs(pairs);
    url
}
