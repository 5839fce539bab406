//! From page to page of a list. Pure.

use crate::domain::account::{Failure, FailureClass};
use reqwest::{
    Url,
    header::{HeaderMap, LINK},
};

/// The address of the next page, which must be of the same organisation: the token goes nowhere else.
pub(super) fn next_link(headers: &HeaderMap, base: &Url) -> Result<Option<Url>, Failure> {
    let links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    // Addresses may hold commas, so it is their brackets that part the links.
    let next = links.flat_map(|links| links.split('<').skip(1)).find_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        parameters.contains("rel=\"next\"").then_some(address)
    });
    let Some(address) = next else { return Ok(None) };
    match Url::parse(address) {
        Ok(url) if is_own(&url, base) => Ok(Some(url)),
        _ => Err(Failure::new(
            FailureClass::NeedsConfig,
            "Okta's list goes on at another address than the Directory's url; use the url that Okta itself uses",
        )),
    }
}

/// Whether an address is of the organisation at `base`.
pub(super) fn is_own(url: &Url, base: &Url) -> bool {
    url.origin() == base.origin() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn next(links: &[&'static str]) -> Result<Option<String>, FailureClass> {
        let base = Url::parse("https://example.okta.com/").unwrap();
        let headers = links
            .iter()
            .map(|link| (LINK, HeaderValue::from_static(link)))
            .collect();
        let next = next_link(&headers, &base);
        next.map(|url| url.map(|url| url.to_string()))
            .map_err(|failure| failure.class)
    }

    #[test]
    fn next_pages_are_of_the_same_organisation() {
        const OWN: &str = "<https://example.okta.com/api/v1/users?limit=2>; rel=\"self\"";
        assert_eq!(next(&[OWN]), Ok(None));
        assert_eq!(
            next(&[OWN, "<https://example.okta.com/api/v1/users?after=x>; rel=\"next\""]),
            Ok(Some("https://example.okta.com/api/v1/users?after=x".into()))
        );
        assert_eq!(
            next(&["<https://example.okta.com/a>; rel=\"self\", <https://example.okta.com/b?x=1,2>; rel=\"next\""]),
            Ok(Some("https://example.okta.com/b?x=1,2".into()))
        );
        for foreign in [
            "<https://example.com/api/v1/users?after=x>; rel=\"next\"",
            "<http://example.okta.com/api/v1/users?after=x>; rel=\"next\"",
            "<https://example.okta.com:8443/api/v1/users?after=x>; rel=\"next\"",
            "<https://example.okta.com@example.com/>; rel=\"next\"",
            "<https://me@example.okta.com/>; rel=\"next\"",
            "</api/v1/users>; rel=\"next\"",
        ] {
            assert_eq!(next(&[OWN, foreign]), Err(FailureClass::NeedsConfig), "{foreign}");
        }
    }
}
