//! Which addresses of upstreams are taken. What lies below them is the provider's matter.

use crate::domain::account::{Failure, FailureClass};
use reqwest::Url;

/// Reads the address of an upstream: https, or http to this machine; a host and nothing behind it.
///
/// # Errors
/// `NeedsConfig` for anything else.
pub(in crate::directory) fn base_url(text: &str) -> Result<Url, Failure> {
    let url = base_url_with_path(text)?;
    match url.path() {
        "/" => Ok(url),
        _ => Err(bad_url(
            "must be a scheme and a host only, for example https://example.okta.com",
        )),
    }
}

/// As [`base_url`], where the upstream may lie below a path of its host.
///
/// # Errors
/// `NeedsConfig` for anything else.
pub(in crate::directory) fn base_url_with_path(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| bad_url("is not a URL; write for example https://example.okta.com"))?;
    let is_private = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    if !is_private {
        return Err(bad_url(
            "must be https://; http:// is allowed to this machine's loopback address only",
        ));
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !bare || url.fragment().is_some() {
        return Err(bad_url(
            "must be an address only, without a user, a query or a fragment",
        ));
    }
    Ok(url)
}

fn bad_url(why: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, format!("the Directory's url {why}"))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
