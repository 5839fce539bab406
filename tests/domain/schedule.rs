//! What may happen, as data that proptest draws and shrinks.

use crate::{
    build,
    replica::{Crash, Fault, How, Replica},
    world::World,
};
use jiff::SignedDuration;
use proptest::prelude::*;
use readmit::{
    api::Method,
    domain::{enforcement::Enforcement, observed::Trouble, policy::Policy, request::Request},
};
use serde_json::json;
use std::{sync::Arc, sync::LazyLock, time::Duration};

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Event {
    Pass { replica: usize, request: usize, how: How },
    Advance(u32),
    Crash(usize),
    Flush(usize),
    Sweep(usize),
    Outside(Outside),
}

/// Something that somebody else does.
#[derive(Clone, Copy, Debug)]
pub enum Outside {
    LockAnew,
    ChangePassword,
    Disable(bool),
    Protect(bool),
    Gone(bool),
    Down(bool),
    /// The account that requests name, where that is another one, is locked or unlocked there.
    NamedLock(bool),
    NamedDown(bool),
    Unreadable(bool),
    Country(bool),
    Right(bool),
    Policies(u8),
    Directory(u8),
    Enforcement(bool),
    Suspend(usize, bool),
    Delete(usize),
    /// The same manifest again, as another object.
    Recreate(usize),
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub method: Option<Method>,
    pub not_after: Option<u32>,
}

static OPEN: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let limits = json!([{"actions": ["ResetPassword"], "max": LIMIT, "per": "24h"}]);
    build::policy(
        "desk",
        json!({"accounts": [{"expression": "account.profile.country == 'DE'"}], "limits": limits, "maxValidity": "2h"}),
    )
});
static LIMITED: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let limits = json!([{"actions": ["Unlock", "ResetPassword"], "max": LIMIT, "per": "24h"}]);
    build::policy(
        "desk",
        json!({"accounts": [{"expression": "account.profile.country == 'DE'"}], "limits": limits, "maxValidity": "2h"}),
    )
});
/// As many resets a day as every policy here allows.
pub const LIMIT: usize = 2;

/// The policies of a world: unlocks limited or not, ready or not, or none at all.
pub fn policies(choice: u8) -> Vec<Arc<Policy>> {
    match choice % 4 {
        0 => vec![OPEN.clone()],
        1 => vec![LIMITED.clone()],
        2 => vec![Arc::new(Policy {
            problem: Some("does not compile".into()),
            ..(**OPEN).clone()
        })],
        _ => Vec::new(),
    }
}

pub fn request(wish: Wish, number: usize) -> Request {
    let uid = format!("r{number}");
    let request = match wish.method {
        None => build::unlock(&uid),
        Some(method) => build::reset(&uid, method),
    };
    let not_after = wish
        .not_after
        .map(|secs| build::start() + SignedDuration::from_secs(secs.into()));
    Request { not_after, ..request }
}

/// Lets something happen, which must break no rule.
pub fn apply(world: &mut World, replicas: &mut [Replica; 2], event: &Event) {
    happens(world, replicas, event);
    sound(world);
}

/// No rule was broken.
pub fn sound(world: &World) {
    assert_eq!(world.truth.broken, []);
}

fn happens(world: &mut World, replicas: &mut [Replica; 2], event: &Event) {
    match event {
        Event::Pass { replica, request, how } => {
            let request = request % world.requests.len();
            if let Err(Crash) = replicas[*replica].pass(world, request, *how) {
                crash(world, replicas, *replica);
            }
        }
        Event::Advance(millis) => world.advance(Duration::from_millis((*millis).into())),
        Event::Crash(replica) => crash(world, replicas, *replica),
        Event::Flush(replica) => replicas[*replica].flush(world),
        Event::Sweep(replica) => replicas[*replica].sweep(world),
        Event::Outside(outside) => {
            world.events += 1;
            happen(world, *outside);
        }
    }
}

/// The process ends, and another begins: it knows the claims before it does anything.
fn crash(world: &mut World, replicas: &mut [Replica; 2], replica: usize) {
    for uid in replicas[replica].works.keys() {
        world.truth.hidden.insert(uid.clone());
    }
    replicas[replica] = Replica::default();
    replicas[replica].watch(world);
}

fn happen(world: &mut World, outside: Outside) {
    let hides = !matches!(outside, Outside::Suspend(..) | Outside::Recreate(_) | Outside::Right(_));
    if hides {
        let live: Vec<String> = world
            .requests
            .iter()
            .flatten()
            .map(|request| request.uid.clone())
            .collect();
        world.truth.hidden.extend(live);
    }
    let upstream = &mut world.upstream;
    match outside {
        Outside::LockAnew => {
            upstream.locked = true;
            upstream.lock_stamp += 1;
        }
        Outside::ChangePassword => {
            world.truth.deceived.append(&mut world.truth.pretended);
            upstream.password = format!("the owner's, after {}", upstream.marker);
            upstream.marker += 1;
            upstream.must_change = false;
        }
        Outside::Disable(yes) => upstream.disabled = yes,
        Outside::Protect(yes) => upstream.protected = yes,
        Outside::Gone(yes) => upstream.gone = yes,
        Outside::Down(yes) => upstream.down = yes,
        Outside::NamedLock(yes) => world.named.iter_mut().for_each(|named| named.locked = yes),
        Outside::NamedDown(yes) => world.named.iter_mut().for_each(|named| named.down = yes),
        Outside::Unreadable(yes) => upstream.unreadable = yes,
        Outside::Country(home) => upstream.country = if home { "DE" } else { "FR" },
        Outside::Right(yes) => world.may_use = yes,
        Outside::Policies(choice) => world.policies = policies(choice),
        Outside::Directory(choice) => directory(world, choice),
        Outside::Enforcement(yes) => {
            let since = build::time("2026-11-01T00:00:00Z");
            let message = "a policy is missing".to_owned();
            world.enforcement = if yes {
                Enforcement::Enforced { since }
            } else {
                Enforcement::Broken { message }
            };
        }
        Outside::Suspend(index, yes) => {
            let index = index % world.requests.len();
            if let Some(request) = &mut world.requests[index] {
                request.suspend = yes;
                request.generation += 1;
            }
        }
        Outside::Delete(index) => {
            let index = index % world.requests.len();
            world.requests[index] = None;
        }
        Outside::Recreate(index) => recreate(world, index),
    }
}

fn directory(world: &mut World, choice: u8) {
    let whole = build::directory();
    world.directory = match choice % 4 {
        0 => Some(whole),
        1 => Some(readmit::domain::observed::DirectoryView {
            suspended: true,
            ..whole
        }),
        2 => Some(readmit::domain::observed::DirectoryView {
            trouble: Some(Trouble {
                needs_person: false,
                message: "it cannot be reached".into(),
            }),
            ..whole
        }),
        _ => None,
    };
}

fn recreate(world: &mut World, index: usize) {
    let index = index % world.requests.len();
    let (nonce, now) = (world.nonce("again"), world.now);
    if let Some(request) = &mut world.requests[index] {
        let again = Request {
            uid: format!("again, {nonce}"),
            created: now,
            status: build::unlock("").status,
            ..request.clone()
        };
        world.requests[index] = Some(again);
    }
}

/// Puts everything in order that an administrator can put in order.
pub fn heal(world: &mut World) {
    world.events += 1;
    world.upstream.down = false;
    world.upstream.unreadable = false;
    world.named.iter_mut().for_each(|named| named.down = false);
    world.directory = Some(build::directory());
    world.policies = policies(0);
    world.enforcement = Enforcement::Enforced {
        since: build::time("2026-11-01T00:00:00Z"),
    };
}

pub fn wish() -> impl Strategy<Value = Wish> {
    let method = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Method::Link)),
        3 => Just(Some(Method::TemporaryPassword)),
        1 => Just(Some(Method::ChangeAtNextSignIn)),
    ];
    (method, prop_oneof![Just(None), (20u32..4000).prop_map(Some)])
        .prop_map(|(method, not_after)| Wish { method, not_after })
}

pub fn event() -> impl Strategy<Value = Event> {
    let pass = (0usize..2, 0usize..4, how()).prop_map(|(replica, request, how)| Event::Pass { replica, request, how });
    let advance = prop_oneof![
        Just(20u32),
        Just(1_000),
        Just(3_000),
        Just(12_000),
        Just(31_000),
        Just(61_000),
        Just(600_000),
        Just(4_000_000),
    ];
    prop_oneof![
        12 => pass,
        8 => advance.prop_map(Event::Advance),
        1 => (0usize..2).prop_map(Event::Crash),
        2 => (0usize..2).prop_map(Event::Flush),
        1 => (0usize..2).prop_map(Event::Sweep),
        4 => outside().prop_map(Event::Outside),
    ]
}

fn how() -> impl Strategy<Value = How> {
    let fault = prop_oneof![
        Just(Fault::LostBefore),
        Just(Fault::LostAfter),
        (1u8..11).prop_map(Fault::Late),
        Just(Fault::Refused),
        Just(Fault::Busy),
        Just(Fault::NeedsConfig),
        Just(Fault::NotSent),
        Just(Fault::Pretended),
    ];
    let fault = prop_oneof![3 => Just(None), 2 => fault.prop_map(Some)];
    let crash = prop_oneof![5 => Just(None), 1 => (0u8..14).prop_map(Some)];
    (fault, crash, prop::bool::weighted(0.1), prop::bool::weighted(0.05)).prop_map(|(fault, crash, lag, lost_write)| {
        How {
            fault,
            crash,
            lag,
            lost_write,
        }
    })
}

fn outside() -> impl Strategy<Value = Outside> {
    let yes = any::<bool>;
    prop_oneof![
        2 => Just(Outside::LockAnew),
        2 => Just(Outside::ChangePassword),
        1 => yes().prop_map(Outside::Disable),
        1 => yes().prop_map(Outside::Protect),
        1 => yes().prop_map(Outside::Gone),
        2 => yes().prop_map(Outside::Down),
        2 => yes().prop_map(Outside::NamedLock),
        1 => yes().prop_map(Outside::NamedDown),
        1 => yes().prop_map(Outside::Unreadable),
        1 => yes().prop_map(Outside::Country),
        1 => yes().prop_map(Outside::Right),
        2 => any::<u8>().prop_map(Outside::Policies),
        2 => any::<u8>().prop_map(Outside::Directory),
        1 => yes().prop_map(Outside::Enforcement),
        1 => (0usize..4, yes()).prop_map(|(index, yes)| Outside::Suspend(index, yes)),
        1 => (0usize..4).prop_map(Outside::Delete),
        1 => (0usize..4).prop_map(Outside::Recreate),
    ]
}
