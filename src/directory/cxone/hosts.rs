//! Which hosts a token may be sent to: those that the Directory names, and NICE's own domains. Pure.

use crate::{
    directory::http,
    domain::account::{Failure, FailureClass},
};
use reqwest::Url;

/// NICE's domains, in the new spelling and the old one.
const DOMAINS: [&str; 2] = ["niceincontact.com", "nice-incontact.com"];

/// The address that discovery named, where it may be trusted.
///
/// # Errors
/// `NeedsConfig` for any other host, and for an address that is none.
pub(super) fn pinned(text: &str, sign_in: &Url) -> Result<Url, Failure> {
    let refused = || {
        let words = "CXone's discovery names a host that is not NICE's; no token is sent there: set apiUrl if that host is right";
        Failure::new(FailureClass::NeedsConfig, words)
    };
    let url = http::base_url_with_path(text).map_err(|_| refused())?;
    let host = url.host_str().unwrap_or_default();
    // A simulation on this machine may name itself.
    let same = url.scheme() == sign_in.scheme() && Some(host) == sign_in.host_str();
    let nice = DOMAINS.iter().any(|domain| {
        let rest = host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    match same || (nice && url.scheme() == "https") {
        true => Ok(url),
        false => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_to_nice_and_to_nobody_else() {
        let sign_in = Url::parse("https://cxone.niceincontact.com").unwrap();
        for text in [
            "https://api-na1.niceincontact.com",
            "https://na1.nice-incontact.com/",
            "https://cxone-gov.niceincontact.com/auth/token",
            "https://cxone.niceincontact.com/auth/token",
        ] {
            assert!(pinned(text, &sign_in).is_ok(), "{text}");
        }
        for text in [
            "http://api-na1.niceincontact.com",
            "https://api-na1.niceincontact.com.example.com",
            "https://evilniceincontact.com",
            "https://niceincontact.com@example.com",
            "http://127.0.0.1:8080",
            "https://example.com/niceincontact.com",
            "na1",
            "",
        ] {
            assert!(pinned(text, &sign_in).is_err(), "{text}");
        }
        let own = Url::parse("https://login.example.com").unwrap();
        assert!(pinned("https://login.example.com/auth/token", &own).is_ok());
    }
}
