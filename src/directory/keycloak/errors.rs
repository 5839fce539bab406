//! Keycloak's error answers: what each means for us and in words. Pure; one table.
//!
//! An answer is known by its status and by one word or text of the three that its shapes carry. Texts that are not in
//! the table go nowhere: they are translated, and can hold what a user typed.

use super::model::ErrorBody;
use crate::{
    directory::http::{self, Doubt},
    domain::account::{Failure, FailureClass},
};
use std::time::Duration;

/// What an error answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It will not work by trying again.
    Permanent,
    /// There is no such account.
    NotFound,
    /// This very password was set before. A generated one can only have been set by us.
    KnownPassword,
    /// An administrator must change something.
    NeedsConfig,
    /// The access token or the client's secret was refused.
    CredentialRefused,
    /// Too many calls, by the word of something in front of Keycloak. Nothing was done.
    Crowded,
    /// Keycloak broke; whether something was done is not known.
    Broken,
}

impl http::Meaning for Meaning {
    fn is_missing(&self) -> bool {
        *self == Meaning::NotFound
    }

    fn doubt(&self) -> Doubt {
        match self {
            Meaning::Crowded => Doubt::NotSent,
            Permanent | NotFound | NeedsConfig | CredentialRefused => Doubt::Refused,
            // A generated password that was set before was set by an earlier send of ours, whose reply was lost.
            KnownPassword | Meaning::Broken => Doubt::Unknown,
        }
    }
}

use Meaning::{CredentialRefused, KnownPassword, NeedsConfig, NotFound, Permanent};

/// Answers that are known by their text.
const TABLE: &[(&str, Meaning, &str)] = &[
    (
        "invalidPasswordHistoryMessage",
        KnownPassword,
        "the password is one of the last ones",
    ),
    (
        "invalidPassword",
        Permanent,
        "the password does not meet the realm's password policy",
    ),
    ("User email missing", Permanent, "the account has no e-mail address"),
    (
        "User is disabled",
        Permanent,
        "the account is disabled, and is sent no mail",
    ),
    (
        "Can't reset password as account is read only",
        Permanent,
        "the account's password is kept in another directory, which is read-only here",
    ),
    (
        "Provided invalid required actions",
        NeedsConfig,
        "the realm's required action Update Password is switched off",
    ),
    (
        "Failed to send execute actions email: Invalid sender address",
        NeedsConfig,
        "the realm's mail settings name no valid sender address",
    ),
    (
        "error-user-attribute-read-only",
        Permanent,
        "the account is kept in another directory, which is read-only here",
    ),
    ("User not found", NotFound, "there is no such account"),
    (
        "Realm not found.",
        NeedsConfig,
        "there is no such realm; check the Directory's realm",
    ),
    (
        "Realm does not exist",
        NeedsConfig,
        "there is no such realm; check the Directory's realm",
    ),
    (
        "Client not enabled to retrieve service account",
        NeedsConfig,
        "the client has no service account; switch on its service account roles",
    ),
    (
        "Public client not allowed to retrieve service account",
        NeedsConfig,
        "the client is public; switch on client authentication and service account roles",
    ),
    (
        "unauthorized_client",
        CredentialRefused,
        "the client's secret was refused; put the right one into its Secret",
    ),
    (
        "invalid_client",
        CredentialRefused,
        "the client or its secret is not known; check clientID, and put the right secret into its Secret",
    ),
];

/// What an error answer means, and in words.
pub(super) fn meaning(status: u16, body: &ErrorBody) -> (Meaning, &'static str) {
    // The description is the more precise one where it is known.
    let texts = [&body.error_description, &body.error_message, &body.error];
    let known = texts.into_iter().flatten().find_map(|text| {
        TABLE
            .iter()
            .find(|(known, ..)| text.starts_with(known))
            .map(|(_, meaning, words)| (*meaning, *words))
    });
    match (status, known) {
        (400..500, Some(known)) => known,
        // Only before the mail server was asked is it certain that nothing was sent.
        (500, Some(known @ (NeedsConfig, _))) => known,
        (401, None) => (CredentialRefused, "the access token was refused"),
        (403, _) => (
            NeedsConfig,
            "the service account lacks a right; it needs manage-users, view-realm, view-clients and view-events of \
             realm-management",
        ),
        (429, _) => (Meaning::Crowded, "there are too many calls"),
        (300..400, _) => (NeedsConfig, "it answered with a redirect; check the Directory's url"),
        (404, _) => (NeedsConfig, "it does not look like Keycloak; check the Directory's url"),
        (409, _) => (Permanent, "it is in conflict with another account"),
        (408, _) => (Meaning::Broken, "Keycloak or the way to it is broken"),
        (400..500, None) => (Permanent, "Keycloak refused the request"),
        (500.., _) => (Meaning::Broken, "Keycloak or the way to it is broken"),
        _ => (Meaning::Broken, "the answer was not understood"),
    }
}

/// The failure that an error answer is. `wait` is for too many calls: how long the throttle pauses.
pub(super) fn failure(status: u16, (meaning, words): (Meaning, &'static str), wait: Duration) -> Failure {
    let class = match meaning {
        Permanent | NotFound | KnownPassword => FailureClass::Permanent,
        NeedsConfig => FailureClass::NeedsConfig,
        CredentialRefused => FailureClass::CredentialRefused,
        Meaning::Crowded => FailureClass::RateLimited(wait),
        Meaning::Broken => FailureClass::Transient(None),
    };
    Failure::new(class, format!("Keycloak answered {status}: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies as release 26.7.3 sends them, or as its source has them.
    #[test]
    fn every_answer_has_its_meaning() {
        for (status, body, expected) in [
            (
                400,
                r#"{"error":"invalidPasswordMinLengthMessage","error_description":"x"}"#,
                Permanent,
            ),
            (400, r#"{"error":"invalidPasswordHistoryMessage"}"#, KnownPassword),
            (400, r#"{"errorMessage":"User email missing"}"#, Permanent),
            (400, r#"{"errorMessage":"User is disabled"}"#, Permanent),
            (
                400,
                r#"{"errorMessage":"Provided invalid required actions"}"#,
                NeedsConfig,
            ),
            (
                400,
                r#"{"field":"username","errorMessage":"error-user-attribute-read-only"}"#,
                Permanent,
            ),
            (400, r#"{"errors":[{"field":"email","errorMessage":"x"}]}"#, Permanent),
            (401, r#"{"error":"HTTP 401 Unauthorized"}"#, CredentialRefused),
            (401, "", CredentialRefused),
            (
                401,
                r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#,
                CredentialRefused,
            ),
            (401, r#"{"error":"invalid_client"}"#, CredentialRefused),
            (
                401,
                r#"{"error":"unauthorized_client","error_description":"Client not enabled to retrieve service account"}"#,
                NeedsConfig,
            ),
            (403, r#"{"error":"HTTP 403 Forbidden"}"#, NeedsConfig),
            (403, "", NeedsConfig),
            (404, r#"{"error":"User not found"}"#, NotFound),
            (404, r#"{"error":"Realm not found."}"#, NeedsConfig),
            (404, r#"{"error":"Realm does not exist"}"#, NeedsConfig),
            (404, "<html>", NeedsConfig),
            (409, r#"{"errorMessage":"User exists with same email"}"#, Permanent),
            (429, "", Meaning::Crowded),
            (302, "", NeedsConfig),
            (
                500,
                r#"{"errorMessage":"Failed to send execute actions email: Invalid sender address 'null'."}"#,
                NeedsConfig,
            ),
            // The mail server may have taken it before it broke.
            (
                500,
                r#"{"errorMessage":"Failed to send execute actions email: Error when attempting to send the email to the server."}"#,
                Meaning::Broken,
            ),
            // What is no word of Keycloak's own, whatever it says.
            (500, r#"{"error":"User not found"}"#, Meaning::Broken),
            (502, "<html>", Meaning::Broken),
            (503, "", Meaning::Broken),
            (408, "", Meaning::Broken),
        ] {
            let parsed = serde_json::from_str(body).unwrap_or_default();
            assert_eq!(meaning(status, &parsed).0, expected, "{status} {body}");
        }
    }

    #[test]
    fn texts_from_outside_are_not_repeated() {
        let body = ErrorBody {
            error_message: Some("hunter2".into()),
            ..ErrorBody::default()
        };
        let failure = failure(400, meaning(400, &body), Duration::ZERO);
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
}
