//! What is changed, and by exactly which requests.

use crate::{
    client::refused,
    world::{NEW_PASSWORD, World, call},
};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    directory::{Directory, Target},
    domain::account::{FailureClass, LockState, Sent, Step},
    secret::Secret,
};
use sandbox::{HELP_DESK_TOKEN, Quirk, SEED_PASSWORD, SignIn, Status};

#[tokio::test]
async fn an_unlock_unlocks_and_keeps_the_password() {
    let world = World::start().await;
    assert_eq!(world.act(Step::Unlock, "alice@example.com").await, Sent::Done);
    assert_eq!(
        world.read("alice@example.com").await.unwrap().lock,
        LockState::NotLocked
    );
    let signed_in = world.sandbox.sign_in("alice@example.com", SEED_PASSWORD, None);
    assert!(matches!(signed_in, SignIn::Success { .. }), "{signed_in:?}");
}

#[tokio::test]
async fn an_unlock_clears_device_blocks() {
    let world = World::start().await;
    assert_eq!(world.act(Step::Unlock, "ivan@example.com").await, Sent::Done);
    assert_eq!(world.read("ivan@example.com").await.unwrap().lock, LockState::NotLocked);
}

#[tokio::test]
async fn an_unlock_of_what_is_not_locked_is_done_under_either_code() {
    for e0000032 in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::Unlock403E0000032, e0000032);
        assert_eq!(world.act(Step::Unlock, "bob@example.com").await, Sent::Done);
        assert_eq!(world.act(Step::Unlock, "alice@example.com").await, Sent::Done);
        assert_eq!(world.act(Step::Unlock, "alice@example.com").await, Sent::Done, "twice");
    }
}

#[tokio::test]
async fn a_refused_unlock_is_refused_unless_the_account_is_active_and_not_blocked() {
    let world = World::start().await;
    for name in ["ken", "lena", "frank", "dora", "erin", "grace", "carol"] {
        let sent = world.act(Step::Unlock, &format!("{name}@example.com")).await;
        assert_eq!(refused(&sent), Some(FailureClass::Permanent), "{name}: {sent:?}");
    }
    assert!(world.writes().iter().all(|entry| entry.changes.is_empty()));
}

#[tokio::test]
async fn an_administrator_above_the_token_is_a_missing_right() {
    let world = World::start().await;
    let sent = world.act(Step::Unlock, "judy@example.com").await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{sent:?}");
}

#[tokio::test]
async fn a_link_is_mailed_once_with_exactly_the_two_parameters() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SendLink, "bob@example.com").await, Sent::Done);
    let writes = world.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].query, "sendEmail=true&revokeSessions=false");
    let mails = world.sandbox.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "bob@example.com"));
    assert_eq!(
        world.sandbox.account("bob@example.com").unwrap().sessions.len(),
        2,
        "sessions are another step"
    );
}

#[tokio::test]
async fn a_reset_of_an_account_that_was_never_activated_is_refused() {
    let world = World::start().await;
    for name in ["erin", "heidi", "dora", "frank"] {
        let sent = world.act(Step::SendLink, &format!("{name}@example.com")).await;
        assert_eq!(refused(&sent), Some(FailureClass::Permanent), "{name}: {sent:?}");
    }
    assert!(world.sandbox.mails().is_empty());
}

#[tokio::test]
async fn a_temporary_password_is_ours_and_must_be_changed() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SetPassword, "bob@example.com").await, Sent::Done);
    assert_eq!(world.act(Step::RequireChange, "bob@example.com").await, Sent::Done);
    let account = world.sandbox.account("bob@example.com").unwrap();
    assert_eq!(account.password, Some(sandbox::fingerprint(NEW_PASSWORD)));
    assert_eq!(account.status, Status::PasswordExpired);
    assert_eq!(world.read("bob@example.com").await.unwrap().must_change, Some(true));
    let signed_in = world.sandbox.sign_in("bob@example.com", NEW_PASSWORD, None);
    assert!(matches!(signed_in, SignIn::PasswordExpired), "{signed_in:?}");
}

#[tokio::test]
async fn a_weak_password_is_refused_and_not_repeated_in_words() {
    let world = World::start().await;
    let weak = Secret::new("weakpw".into());
    let sent = world
        .okta
        .set_password(&call(), &world.target("bob@example.com"), &weak, &[])
        .await;
    assert_eq!(refused(&sent), Some(FailureClass::Permanent));
    assert!(!format!("{sent:?}").contains("weakpw"));
    assert!(world.writes()[0].changes.is_empty());
}

#[tokio::test]
async fn sessions_and_tokens_end_and_devices_stay_known() {
    let world = World::start().await;
    assert_eq!(world.act(Step::RevokeSessions, "bob@example.com").await, Sent::Done);
    let account = world.sandbox.account("bob@example.com").unwrap();
    assert_eq!((account.sessions.len(), account.oauth_tokens), (0, 0));
    assert_eq!(account.known_devices, ["seed"]);
    assert_eq!(
        world.act(Step::RevokeSessions, "bob@example.com").await,
        Sent::Done,
        "again, with none left"
    );
}

#[tokio::test]
async fn no_sessions_to_end_is_done_however_it_is_answered() {
    let world = World::start().await;
    world.sandbox.set_quirk(Quirk::ClearSessions404WhenNone, true);
    assert_eq!(world.act(Step::RevokeSessions, "alice@example.com").await, Sent::Done);
    assert_eq!(
        world.act(Step::RevokeSessions, "alice@example.com").await,
        Sent::Done,
        "with none left"
    );
    let nobody = Target {
        id: "00u00000000000000000".into(),
        server: None,
    };
    let sent = world.okta.revoke_sessions(&call(), &nobody).await;
    assert_eq!(refused(&sent), Some(FailureClass::Permanent), "{sent:?}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_and_nothing_is_done() {
    let world = World::with_token(HELP_DESK_TOKEN).await;
    let sent = world.act(Step::SetPassword, "bob@example.com").await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{sent:?}");
    assert_eq!(world.act(Step::Unlock, "alice@example.com").await, Sent::Done);
}

#[tokio::test]
async fn only_ids_are_written_to() {
    let world = World::start().await;
    for id in ["alice@example.com", "", "..", "me/x", "00u?x=y"] {
        let target = Target {
            id: id.into(),
            server: None,
        };
        assert!(
            matches!(world.okta.unlock(&call(), &target).await, Sent::NotSent(_)),
            "{id}"
        );
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn the_log_tells_of_our_own_link_and_of_no_other() {
    let world = World::start().await;
    let before = Timestamp::now() - SignedDuration::from_secs(5);
    let bob = world.target("bob@example.com");
    assert!(!world.okta.link_sent_since(&call(), &bob, before).await);
    assert_eq!(world.act(Step::SendLink, "bob@example.com").await, Sent::Done);
    assert!(world.okta.link_sent_since(&call(), &bob, before).await);
    let later = Timestamp::now() + SignedDuration::from_secs(5);
    assert!(!world.okta.link_sent_since(&call(), &bob, later).await, "since later");
    let quinn = world.target("quinn@example.com");
    assert!(
        !world.okta.link_sent_since(&call(), &quinn, before).await,
        "another account"
    );
}

#[tokio::test]
async fn a_link_that_somebody_else_had_sent_is_not_ours() {
    let world = World::start().await;
    let owner = Some("alice@example.com".to_owned());
    let other = sandbox::options::token("other", "other-token", sandbox::okta::auth::Role::Admin);
    world
        .sandbox
        .add_token(sandbox::okta::auth::Token { owner, ..other })
        .unwrap();
    let url = world.sandbox.addresses().http.clone();
    let timeout = std::time::Duration::from_secs(3);
    let other = crate::world::connect(&url, "other-token", None, timeout, false).unwrap();
    let before = Timestamp::now() - SignedDuration::from_secs(5);
    let bob = world.target("bob@example.com");
    assert_eq!(other.send_reset_link(&call(), &bob).await, Sent::Done);
    assert!(other.link_sent_since(&call(), &bob, before).await);
    assert!(!world.okta.link_sent_since(&call(), &bob, before).await);
}
