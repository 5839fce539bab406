//! Which Account objects a list asks for.

use super::*;
use crate::{
    api::Span,
    domain::account::{Lock, Remedy},
};

fn account(id: &str, lock: LockState) -> AccountRead {
    AccountRead {
        login: Some(format!("{id}@example.com")),
        lock,
        ..AccountRead::bare(id)
    }
}

fn locked(cause: &str) -> LockState {
    LockState::Locked(Lock {
        since: None,
        until: None,
        cause: Some(cause.into()),
        scope: None,
        remedy: Remedy::Unlock,
    })
}

fn list(max: u32, personal_data: PersonalData, accounts: &[AccountRead]) -> (Shown, bool) {
    let settings = Lockouts {
        poll: Span::from_secs(60),
        max,
        personal_data,
    };
    let source = Source {
        directory: "okta",
        provider: "okta",
        upstream: "00o1",
        settings: &settings,
    };
    let mut shown = Shown::new();
    let room = take(&mut shown, source, accounts);
    (shown, room)
}

fn ids(shown: &Shown) -> Vec<&str> {
    let mut ids: Vec<&str> = shown.values().map(|locked| locked.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn only_what_is_locked_is_shown_and_never_more_than_the_most() {
    let accounts = [
        account("a", locked("x")),
        account("b", LockState::NotLocked),
        account("c", LockState::Unknown("no right".into())),
        account("d", locked("x")),
    ];
    let (shown, room) = list(5, PersonalData::Login, &accounts);
    assert_eq!((ids(&shown), room), (vec!["a", "d"], true));
    let (shown, room) = list(2, PersonalData::Login, &accounts);
    assert_eq!(
        (ids(&shown), room),
        (vec!["a", "d"], true),
        "exactly as many as there is room for"
    );
    let (shown, room) = list(1, PersonalData::Login, &accounts);
    assert_eq!((ids(&shown), room), (vec!["a"], false));
}

#[test]
fn a_person_is_named_only_where_the_directory_allows_it() {
    let login = |personal| {
        let (shown, _) = list(5, personal, &[account("a", locked("x"))]);
        shown.into_values().next().and_then(|locked| locked.lockout.login)
    };
    assert_eq!(login(PersonalData::Login).as_deref(), Some("a@example.com"));
    assert_eq!(login(PersonalData::None), None);
}

#[test]
fn texts_from_upstream_are_cut_to_what_the_schema_takes() {
    let (shown, _) = list(
        5,
        PersonalData::Login,
        &[account(&"ä".repeat(400), locked(&"é".repeat(400)))],
    );
    let lockout = &shown.values().next().unwrap().lockout;
    assert_eq!(lockout.login.as_ref().map(|text| text.chars().count()), Some(256));
    assert_eq!(lockout.lock.cause.as_ref().map(|text| text.chars().count()), Some(256));
}

#[test]
fn one_write_a_change_and_none_without() {
    let of = |accounts: &[AccountRead]| list(9, PersonalData::Login, accounts).0;
    let before = of(&[
        account("a", locked("x")),
        account("b", locked("x")),
        account("c", locked("x")),
    ]);
    assert_eq!(changes(&before, &before), []);
    let now = of(&[
        account("b", locked("other")),
        account("c", locked("x")),
        account("d", locked("x")),
    ]);
    let changes = changes(&before, &now);
    let mut shown = Vec::new();
    let mut cleared = 0;
    for change in &changes {
        match change {
            Change::Show(name, locked) => {
                assert_eq!(now.get(name), Some(locked));
                shown.push(locked.id.as_str());
            }
            Change::Clear(name) => {
                assert_eq!(before[name].id, "a");
                cleared += 1;
            }
        }
    }
    shown.sort_unstable();
    assert_eq!((shown, cleared), (vec!["b", "d"], 1));
    assert!(matches!(changes[0], Change::Clear(_)), "what is over goes first");
}
