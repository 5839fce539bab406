//! What the operator's user may not read or write, and who is protected.

use crate::world::{World, basic, call, login, refused};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, LockState, Protection, Sent, Step},
};
use sandbox::{
    SEED_PASSWORD,
    servicenow::{OPERATOR, Quirk, User},
};

#[tokio::test]
async fn fields_that_may_not_be_read_are_unknown_and_never_false() {
    for quirk in [Quirk::LockedOutUnreadable, Quirk::ActiveUnreadable] {
        let world = World::with(&[quirk]).await;
        let bob = world.find(login("bob.ross")).await.unwrap();
        assert!(matches!(bob.lock, LockState::Unknown(_)), "{quirk:?}: {bob:?}");
        let probe = world.directory.probe(&call()).await.unwrap_err();
        assert_eq!(probe.class, FailureClass::NeedsConfig);
        assert!(probe.public.contains("these fields of sys_user"), "{}", probe.public);
    }
}

#[tokio::test]
async fn writes_that_are_dropped_are_refused_although_the_answer_is_200() {
    for (quirk, step, name) in [
        (Quirk::LockedOutUnwritable, Step::Unlock, "ada.byte"),
        (Quirk::NeedsResetUnwritable, Step::RequireChange, "bob.ross"),
        (Quirk::PasswordUnwritable, Step::SetPassword, "bob.ross"),
        (Quirk::RuleRelocks, Step::Unlock, "ada.byte"),
    ] {
        let world = World::with(&[quirk]).await;
        let sent = world.act(step, name).await;
        assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{quirk:?}: {sent:?}");
        assert_eq!(world.writes()[0].status, Some(200), "{quirk:?}");
    }
}

#[tokio::test]
async fn a_change_that_is_not_shown_is_not_known() {
    let world = World::with(&[Quirk::LockedOutUnreadable]).await;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await.as_str(), "Unknown");
}

#[tokio::test]
async fn a_counter_that_cannot_be_written_does_not_undo_the_unlock() {
    let world = World::with(&[Quirk::FailedAttemptsUnwritable]).await;
    assert_eq!(world.act(Step::Unlock, "ada.byte").await, Sent::Done);
    let ada = world.user("ada.byte");
    assert_eq!(
        (ada["locked_out"].as_str(), ada["failed_attempts"].as_str()),
        ("false", "5")
    );
}

#[tokio::test]
async fn without_the_count_of_changes_no_password_is_sent() {
    let world = World::with(&[Quirk::ModCountUnreadable]).await;
    let sent = world.act(Step::SetPassword, "bob.ross").await;
    assert!(
        matches!(&sent, Sent::NotSent(why) if why.class == FailureClass::NeedsConfig),
        "{sent:?}"
    );
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn a_rule_that_aborts_is_refused() {
    let world = World::with(&[Quirk::RuleAborts]).await;
    for step in [Step::Unlock, Step::SetPassword, Step::RequireChange] {
        let sent = world.act(step, "ada.byte").await;
        assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{step:?}: {sent:?}");
    }
}

#[tokio::test]
async fn texts_of_errors_decide_nothing_and_go_nowhere() {
    let world = World::with(&[Quirk::RuleAborts, Quirk::LocalizedErrors]).await;
    let sent = world.act(Step::Unlock, "ada.byte").await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig));
    let text = format!("{sent:?}");
    assert!(!text.contains("Vorgang") && !text.contains("Business Rule"), "{text}");
}

#[tokio::test]
async fn administrators_and_the_operator_itself_are_protected() {
    let world = World::start().await;
    for name in ["frank.root", OPERATOR] {
        let account = world.find(login(name)).await.unwrap();
        assert!(
            matches!(account.protection, Protection::Protected(_)),
            "{name}: {account:?}"
        );
    }
    world.instance().add(&User::new("greta.boss").with_role("user_admin"));
    let greta = world.find(login("greta.boss")).await.unwrap();
    assert!(matches!(greta.protection, Protection::Protected(_)));
    assert_eq!(
        world.find(login("grace.desk")).await.unwrap().protection,
        Protection::None
    );
}

#[tokio::test]
async fn roles_that_look_empty_because_they_are_hidden_count_as_protected() {
    for quirk in [Quirk::RolesUnreadable, Quirk::OwnRolesOnly] {
        let world = World::with(&[quirk]).await;
        let frank = world.find(login("frank.root")).await.unwrap();
        assert!(
            matches!(frank.protection, Protection::Unknown(_)),
            "{quirk:?}: {frank:?}"
        );
        let probe = world.directory.probe(&call()).await.unwrap_err();
        assert_eq!(probe.class, FailureClass::NeedsConfig, "{quirk:?}");
        assert!(probe.public.contains("sys_user_has_role"), "{}", probe.public);
        // The count comes after rights where the instance is set so: then only the probe tells.
        world.instance().set_quirk(Quirk::AclAfterLimit, false);
        assert!(world.directory.probe(&call()).await.is_err(), "{quirk:?}");
    }
}

#[tokio::test]
async fn a_user_without_the_role_is_told_what_it_lacks() {
    let world = World::as_user("ivan.itil", SEED_PASSWORD, &[]).await;
    let probe = world.directory.probe(&call()).await.unwrap_err();
    assert_eq!(probe.class, FailureClass::NeedsConfig, "{probe:?}");
    let sent = world.act(Step::Unlock, "ada.byte").await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{sent:?}");
}

#[tokio::test]
async fn without_scripts_the_own_user_is_found_by_its_name() {
    let world = World::start().await;
    world.instance().set_quirk(Quirk::ScriptsEvaluated, false);
    let probe = world.directory.probe(&call()).await.unwrap();
    assert!(
        !probe.capabilities.unlock_only_clears,
        "an unlock goes through the ledger"
    );
    let unable: Vec<_> = probe.capabilities.unable.keys().collect();
    assert_eq!(unable, [&Step::SendLink, &Step::RevokeSessions]);
    assert!(probe.upstream.starts_with("127.0.0.1:"), "{}", probe.upstream);
    let other = basic(&world.sandbox, "ada.byte", SEED_PASSWORD);
    assert!(other.probe(&call()).await.is_err());
}
