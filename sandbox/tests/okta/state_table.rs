//! The state machine, row by row: which operation does what in which status.
//!
//! The table is written down here on its own, after the documentation, and is not derived from the code.

use reqwest::Method;
use sandbox::{Options, Quirk, SEED_PASSWORD, SeedUser, Status};
use serde_json::{Value, json};

use crate::client::Fixture;

/// What an operation leads to: the status afterwards, or HTTP status and error code.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    To(Status),
    No(u16, &'static str),
}

use Outcome::{No, To};
use Status::{Active, Deprovisioned, LockedOut, PasswordExpired, Provisioned, Recovery, Staged, Suspended};

const STATUSES: [Status; 8] = [
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
];

/// Sends an operation to a user in the given status and compares what came of it.
async fn check(quirks: &[Quirk], user: SeedUser, operation: &str, expected: Outcome) {
    let mut options = Options::default();
    quirks
        .iter()
        .for_each(|quirk| options.settings.quirks.set(*quirk, true));
    options.users.push(user.clone());
    let fixture = Fixture::with(options).await;
    let id = fixture.sandbox.account(&user.login).expect("the user is there").id;
    let before = fixture.sandbox.account(&id).expect("the user is there");
    let answer = fixture
        .call(Method::POST, &target(&id, operation), body(operation))
        .await;
    let after = fixture.sandbox.account(&id).expect("the user is still there");
    let case = format!("{operation} on {:?}/{:?}, {quirks:?}", user.status, user.provider.kind);
    let entry = fixture.sandbox.truth().pop().expect("the call is in the truth log");
    match expected {
        To(status) => {
            assert_eq!(
                (answer.status, after.status),
                (200, status),
                "{case}: {:?}",
                answer.body
            );
            assert!(entry.applied, "{case}: not applied according to the truth log");
            let moved = entry.changes.iter().any(|change| change.field == "status");
            assert_eq!(moved, before.status != status, "{case}: {:?}", entry.changes);
        }
        No(http, code) => {
            assert_eq!((answer.status, answer.code().as_str()), (http, code), "{case}");
            assert_eq!(
                json!(after),
                json!(before),
                "{case}: a refused operation changed the account"
            );
            assert!(
                !entry.applied && entry.changes.is_empty(),
                "{case}: {:?}",
                entry.changes
            );
        }
    }
}

fn target(id: &str, operation: &str) -> String {
    match operation {
        "set" | "rename" => format!("/api/v1/users/{id}"),
        "change_password" | "forgot_password" => format!("/api/v1/users/{id}/credentials/{operation}"),
        other => format!("/api/v1/users/{id}/lifecycle/{other}"),
    }
}

fn body(operation: &str) -> Option<Value> {
    match operation {
        "set" => Some(json!({"credentials": {"password": {"value": "Fresh-Water-9"}}})),
        "rename" => Some(json!({"profile": {"login": "renamed@example.com"}})),
        "change_password" => {
            Some(json!({"oldPassword": {"value": SEED_PASSWORD}, "newPassword": {"value": "Fresh-Water-9"}}))
        }
        _ => None,
    }
}

fn user(status: Status) -> SeedUser {
    let mut user = SeedUser::new("subject@example.com", status, Some(SEED_PASSWORD));
    user.recovery_question = Some(("Pet?".into(), "Rex".into()));
    user
}

async fn check_row(operation: &str, expected: [Outcome; 8]) {
    for (status, outcome) in STATUSES.into_iter().zip(expected) {
        check(&[], user(status), operation, outcome).await;
    }
}

const REFUSED: Outcome = No(403, "E0000032");
const WRONG_STATUS: Outcome = No(403, "E0000038");

#[tokio::test]
async fn unlock() {
    let others = [REFUSED; 5];
    let [a, b, c, d, e] = others;
    check_row("unlock", [a, b, c, d, e, To(Active), REFUSED, REFUSED]).await;
}

#[tokio::test]
async fn reset_password() {
    let no = No(403, "E0000017");
    let to = To(Recovery);
    let row = [no, no, to, to, to, to, WRONG_STATUS, WRONG_STATUS];
    check_row("reset_password?sendEmail=false", row).await;
    check_row("reset_password?sendEmail=true", row).await;
}

#[tokio::test]
async fn expire_password() {
    let (no, to) = (WRONG_STATUS, To(PasswordExpired));
    let row = [no, no, to, no, to, no, no, no];
    check_row("expire_password", row).await;
    check_row("expire_password_with_temp_password", row).await;
}

#[tokio::test]
async fn set_password() {
    let row = [
        To(Staged),
        To(Provisioned),
        To(Active),
        To(Active),
        To(Active),
        To(LockedOut),
        To(Suspended),
        WRONG_STATUS,
    ];
    check_row("set", row).await;
}

#[tokio::test]
async fn username_change_keeps_the_status() {
    check_row("rename", STATUSES.map(To)).await;
}

#[tokio::test]
async fn activate_and_reactivate() {
    let no = No(403, "E0000016");
    let row = [To(Active), no, no, no, no, no, WRONG_STATUS, To(Provisioned)];
    check_row("activate?sendEmail=false", row).await;
    let no = WRONG_STATUS;
    check_row("reactivate", [no, To(Provisioned), no, To(Provisioned), no, no, no, no]).await;
}

#[tokio::test]
async fn suspend_unsuspend_deactivate() {
    let no = No(400, "E0000001");
    check_row("suspend", [no, no, To(Suspended), no, no, no, no, no]).await;
    check_row("unsuspend", [no, no, no, no, no, no, To(Active), no]).await;
    let to = To(Deprovisioned);
    check_row("deactivate", [to, to, to, to, to, to, to, WRONG_STATUS]).await;
}

#[tokio::test]
async fn change_and_forgot_password() {
    let no = No(403, "E0000035");
    let row = [To(Staged), no, To(Active), To(Active), To(Active), no, no, no];
    check_row("change_password", row).await;
    let no = No(403, "E0000034");
    check_row("forgot_password", [no, no, To(Active), no, no, no, no, no]).await;
}

#[tokio::test]
async fn provider_decides_too() {
    let of = |status, provider: &str| {
        let mut user = user(status);
        user.provider = serde_json::from_value(json!({"type": provider, "name": provider})).expect("a provider");
        user
    };
    let reset = "reset_password?sendEmail=true";
    for (quirks, user, operation, expected) in [
        (vec![], of(LockedOut, "ACTIVE_DIRECTORY"), "unlock", REFUSED),
        (vec![], of(LockedOut, "LDAP"), "unlock", REFUSED),
        (vec![], of(LockedOut, "IMPORT"), "unlock", To(Active)),
        (vec![], of(Active, "FEDERATION"), "unlock", REFUSED),
        (vec![], of(Active, "SOCIAL"), reset, No(403, "E0000017")),
        (vec![], of(Active, "SOCIAL"), "set", No(400, "E0000041")),
        (vec![], of(Active, "FEDERATION"), "expire_password", No(403, "E0000014")),
        (
            vec![],
            of(Active, "ACTIVE_DIRECTORY"),
            "expire_password",
            To(PasswordExpired),
        ),
        (vec![], of(Active, "ACTIVE_DIRECTORY"), "rename", No(403, "E0000023")),
        (
            vec![Quirk::DirectoryProfileE0000111],
            of(Active, "LDAP"),
            "rename",
            No(403, "E0000111"),
        ),
        (
            vec![Quirk::DirectoryAgentDown],
            of(Active, "ACTIVE_DIRECTORY"),
            reset,
            No(403, "E0000017"),
        ),
        (
            vec![Quirk::DirectoryAgentDown],
            of(Active, "LDAP"),
            "set",
            No(403, "E0000014"),
        ),
    ] {
        check(&quirks, user, operation, expected).await;
    }
}

#[tokio::test]
async fn quirks_change_rows() {
    let reset = "reset_password?sendEmail=true";
    for (quirk, status, operation, expected) in [
        (Quirk::ResetFromRecoveryRefused, Recovery, reset, WRONG_STATUS),
        (Quirk::ResetFromLockedOutRefused, LockedOut, reset, WRONG_STATUS),
        (
            Quirk::ResetFromPasswordExpiredRefused,
            PasswordExpired,
            reset,
            WRONG_STATUS,
        ),
        (
            Quirk::ExpireFromLockedOut,
            LockedOut,
            "expire_password",
            To(PasswordExpired),
        ),
        (Quirk::SetPasswordUnlocks, LockedOut, "set", To(Active)),
        (Quirk::SetPasswordKeepsRecovery, Recovery, "set", To(Recovery)),
    ] {
        check(&[quirk], user(status), operation, expected).await;
    }
}

#[tokio::test]
async fn unlock_refusal_has_two_codes() {
    let fixture = Fixture::start().await;
    fixture.sandbox.set_quirk(Quirk::Unlock403E0000032, false);
    let answer = fixture.post("/api/v1/users/bob@example.com/lifecycle/unlock").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "E0000038"));
}

#[tokio::test]
async fn a_running_transition_refuses_every_write() {
    let fixture = Fixture::start().await;
    let id = fixture.sandbox.account("peggy@example.com").expect("peggy").id;
    for operation in ["unlock", "reset_password?sendEmail=true", "suspend", "set", "rename"] {
        let answer = fixture
            .call(Method::POST, &target(&id, operation), body(operation))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "E0000112"),
            "{operation}"
        );
    }
    let shown = fixture.get(&format!("/api/v1/users/{id}")).await;
    assert_eq!(shown.at("/transitioningToStatus"), "ACTIVE");
    fixture.sandbox.advance(6000);
    let shown = fixture.get(&format!("/api/v1/users/{id}")).await;
    assert_eq!(
        (shown.at("/status"), shown.at("/transitioningToStatus")),
        (json!("ACTIVE"), Value::Null)
    );
}
