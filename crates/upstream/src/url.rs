//! Request URLs.

use url::Url;

/// Appends `path` to the path of `base`. The query of `base`, such as a key, stays.
pub(crate) fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let own = url.path().trim_end_matches('/');
    if !own.ends_with(path) {
        let joined = format!("{own}{path}");
        url.set_path(&joined);
    }
    url.set_fragment(None);
    url
}

/// Appends query parameters to `url`.
pub(crate) fn with_query<const N: usize>(mut url: Url, pairs: [(&str, &str); N]) -> Url {
    url.query_pairs_mut().extend_pairs(pairs);
    url
}
