//! While the Directory where the credentials live cannot be used, the one that is named is left alone.

use super::routed;
use crate::{
    build::{account, unlock},
    scene::Scene,
};
use readmit::{
    api::Reason,
    domain::{
        account::{Failure, FailureClass},
        observed::{AccountSeen, DirectoryView, Facts, Trouble},
        queue::{Turn, places::Queued},
    },
};
use std::time::Duration;

const REST: Duration = Duration::from_secs(7);

/// What is wrong with the Directory that is acted in, and what the request waits for then.
type Row = (&'static str, fn(&mut DirectoryView), Reason);

const TROUBLES: &[Row] = &[
    ("suspended", |view| view.suspended = true, Reason::Suspended),
    (
        "in trouble",
        |view| {
            view.trouble = Some(Trouble {
                needs_person: false,
                message: "it does not answer".into(),
            });
        },
        Reason::DirectoryUnavailable,
    ),
    (
        "its breaker is open",
        |view| view.refusal = Some(Failure::new(FailureClass::Transient(Some(REST)), "it did not answer")),
        Reason::DirectoryUnavailable,
    ),
];

fn held_up(trouble: fn(&mut DirectoryView), led: Option<&str>) -> Scene {
    let mut scene = routed(unlock("a"));
    trouble(scene.directory.as_mut().unwrap());
    scene.progress.led = led.map(str::to_owned);
    scene
}

#[test]
fn who_was_led_there_looks_nothing_up_again() {
    for (name, trouble, reason) in TROUBLES {
        let scene = held_up(*trouble, Some("ldap"));
        let waiting = scene.waits();
        assert_eq!(
            (waiting.reason, waiting.elsewhere.as_deref()),
            (*reason, Some("ldap")),
            "{name}"
        );
        assert!(!scene.asks_upstream(), "{name}");
        // That the source leads elsewhere now is seen.
        let scene = held_up(*trouble, Some("another"));
        scene.decide();
        assert!(scene.asks_upstream(), "{name}");
    }
    // A breaker is open for as long as it says.
    let (_, breaker, _) = TROUBLES[2];
    let scene = held_up(breaker, Some("ldap"));
    assert_eq!(scene.waits().until, scene.now + REST);
}

#[test]
fn what_the_last_look_up_told_is_known_while_nothing_is_looked_up() {
    let (_, trouble, _) = TROUBLES[1];
    let mut scene = held_up(trouble, None);
    let waiting = scene.waits();
    assert!(scene.asks_upstream(), "nobody knows where it leads");
    let facts = Facts::default();
    scene.progress.waits(scene.now, &waiting, &facts, true);
    assert_eq!(scene.progress.led.as_deref(), Some("ldap"));
    // It waits for its turn where it is named, and has looked nothing up.
    let mut queued = routed(unlock("a"));
    queued.turn = Some(Queued {
        directory: "cloud".into(),
        turn: Turn { ahead: 3, wait: REST },
    });
    let waiting = queued.waits();
    assert_eq!(waiting.elsewhere, None);
    scene.progress.waits(scene.now, &waiting, &facts, true);
    assert_eq!(scene.progress.led.as_deref(), Some("ldap"));
    // It looked, and was not led on.
    let seen = AccountSeen {
        result: Ok(account()),
        at: scene.now,
        after: 0,
    };
    let read = Facts {
        readings: [("cloud".to_owned(), seen)].into(),
        ..Facts::default()
    };
    scene.progress.waits(scene.now, &waiting, &read, true);
    assert_eq!(scene.progress.led, None);
}
