//! What is changed, and by exactly which requests.

use crate::world::{NEW_PASSWORD, World, call, refused};
use readmit::{
    directory::{Directory, Target},
    domain::account::{FailureClass, LockState, Sent, Step},
    secret::Secret,
};
use sandbox::{
    FaultKind, SEED_PASSWORD,
    servicenow::{Quirk, SignIn},
};

#[tokio::test]
async fn an_unlock_clears_lock_and_counter_and_keeps_the_password() {
    let world = World::start().await;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
    assert_eq!(world.read("ada.byte").await.unwrap().lock, LockState::NotLocked);
    assert_eq!(world.user("ada.byte")["failed_attempts"], "0");
    assert_eq!(
        world.instance().sign_in("ada.byte", SEED_PASSWORD, None),
        SignIn::Success
    );
    assert_eq!(world.writes()[0].body_fields, ["failed_attempts", "locked_out"]);
}

/// With the counter left as it is, the next wrong sign-in would lock again.
#[tokio::test]
async fn after_an_unlock_one_wrong_sign_in_does_not_lock_again() {
    let world = World::start().await;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
    assert_eq!(world.instance().sign_in("ada.byte", "wrong", None), SignIn::Refused);
    assert_eq!(world.read("ada.byte").await.unwrap().lock, LockState::NotLocked);
}

#[tokio::test]
async fn true_and_false_are_written_as_texts() {
    let world = World::with(&[Quirk::BooleanTextsOnly]).await;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
    assert_eq!(world.act(Step::RequireChange, "ada.byte").await, Sent::Done);
    let ada = world.user("ada.byte");
    assert_eq!(
        (ada["locked_out"].as_str(), ada["password_needs_reset"].as_str()),
        ("false", "true")
    );
}

#[tokio::test]
async fn an_unlock_again_is_done_and_changes_nothing() {
    for counts in [false, true] {
        let world = World::start().await;
        world.instance().set_quirk(Quirk::EqualWriteCounts, counts);
        assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
        assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
        assert!(world.writes()[1].changes.is_empty());
    }
}

#[tokio::test]
async fn a_password_is_set_alone_as_a_display_value_and_can_be_signed_in_with() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SetPassword, "bob.ross").await, Sent::Done);
    assert_eq!(world.act(Step::RequireChange, "bob.ross").await, Sent::Done);
    let writes = world.writes();
    assert_eq!(writes.len(), 2, "two writes");
    assert!(writes[0].query.contains("sysparm_input_display_value=true"));
    assert_eq!(writes[0].body_fields, ["user_password"]);
    assert!(!writes[1].query.contains("sysparm_input_display_value"));
    let sign_in = |new| world.instance().sign_in("bob.ross", NEW_PASSWORD, new);
    assert_eq!(sign_in(None), SignIn::MustChange);
    assert_eq!(sign_in(Some("Ganz-Neues-Wort-9")), SignIn::Success);
}

#[tokio::test]
async fn the_same_password_again_is_harmless() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SetPassword, "bob.ross").await, Sent::Done);
    // Nothing differs: it cannot be told from a write that was dropped, and is not told as done.
    let again = world.act(Step::SetPassword, "bob.ross").await;
    assert_eq!(refused(&again), Some(FailureClass::NeedsConfig), "{again:?}");
    assert_eq!(
        world.instance().sign_in("bob.ross", NEW_PASSWORD, None),
        SignIn::Success
    );
}

#[tokio::test]
async fn a_weak_password_is_refused_aloud_or_silently_and_not_repeated_in_words() {
    for silently in [false, true] {
        let world = World::start().await;
        world.instance().set_quirk(Quirk::WeakPasswordDropped, silently);
        let weak = Secret::new("weakpw".into());
        let sent = world
            .directory
            .set_password(&call(), &world.target("bob.ross"), &weak, &[])
            .await;
        assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{silently}: {sent:?}");
        assert!(!format!("{sent:?}").contains("weakpw"));
        assert_eq!(
            world.instance().sign_in("bob.ross", SEED_PASSWORD, None),
            SignIn::Success
        );
    }
}

#[tokio::test]
async fn a_write_by_somebody_else_at_the_same_moment_is_seen() {
    let world = World::start().await;
    let wait = FaultKind::Latency { ms: 600 };
    let path = format!("/api/now/v2/table/sys_user/{}", world.user("bob.ross")["sys_id"]);
    world.sandbox.inject_once("PATCH", &path, wait);
    let other = async {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        world.instance().change("bob.ross", &[("title", "Painter")]).unwrap();
    };
    let (sent, ()) = tokio::join!(world.act(Step::SetPassword, "bob.ross"), other);
    assert_eq!(sent, Sent::Done, "the last change is ours");
    assert_eq!(
        world.instance().sign_in("bob.ross", NEW_PASSWORD, None),
        SignIn::Success
    );
}

#[tokio::test]
async fn somebody_elses_write_is_not_taken_for_the_password() {
    let world = World::with(&[Quirk::PasswordUnwritable]).await;
    let path = format!("/api/now/v2/table/sys_user/{}", world.user("bob.ross")["sys_id"]);
    world
        .sandbox
        .inject_once("PATCH", &path, FaultKind::Latency { ms: 600 });
    let other = async {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        world.instance().change("bob.ross", &[("title", "Painter")]).unwrap();
    };
    let (sent, ()) = tokio::join!(world.act(Step::SetPassword, "bob.ross"), other);
    assert_ne!(sent, Sent::Done);
}

#[tokio::test]
async fn a_rule_that_locks_again_later_shows_a_new_lock() {
    let world = World::with(&[Quirk::AsyncRuleRelocks]).await;
    let before = world.read("ada.byte").await.unwrap().lock_stamp;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
    assert_eq!(world.read("ada.byte").await.unwrap().lock, LockState::NotLocked);
    world.sandbox.advance(600);
    let after = world.read("ada.byte").await.unwrap();
    assert!(matches!(after.lock, LockState::Locked(_)));
    assert!(before.is_some() && after.lock_stamp.is_some() && before != after.lock_stamp);
}

#[tokio::test]
async fn a_lock_that_ended_by_itself_is_not_locked() {
    let world = World::start().await;
    world
        .instance()
        .configure(|settings| settings.unlock_minutes = Some(15));
    world.sandbox.advance(16 * 60_000);
    assert_eq!(world.read("ada.byte").await.unwrap().lock, LockState::NotLocked);
}

#[tokio::test]
async fn an_administrator_above_user_admin_is_a_missing_right() {
    let world = World::start().await;
    let sent = world.act(Step::Unlock, "frank.root").await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{sent:?}");
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_unsent() {
    let world = World::start().await;
    for step in [Step::SendLink, Step::RevokeSessions] {
        assert_eq!(
            refused(&world.act(step, "bob.ross").await),
            Some(FailureClass::Permanent)
        );
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn only_sys_ids_are_written_to() {
    let world = World::start().await;
    for id in ["ada.byte", "", "..", "x/y", "0a1b2c3d4e5f60718293a4b5c6d7e8f9?x=y"] {
        let target = Target {
            id: id.into(),
            server: None,
        };
        assert!(
            matches!(world.directory.unlock(&call(), &target).await, Sent::NotSent(_)),
            "{id}"
        );
    }
    assert!(world.calls().is_empty());
}
