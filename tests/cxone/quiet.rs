//! A password travels in an address: at the finest level of the log, and in every failure, there is nothing of it.

use crate::world::{BOB, World, call, connect, spec};
use readmit::{
    config::LogFormat,
    directory::{Directory, Target},
    domain::account::Sent,
    observe::logs,
    secret::Secret,
};
use sandbox::{FaultKind, cxone::Quirk};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing::dispatcher;

/// As it is and as an address encodes it.
const CANARY: &str = "Canary-7c1e&Wort=+%41é";
const FORMS: [&str; 3] = ["Canary-7c1e", "Canary%2D7c1e", "7c1e%26Wort"];

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that can become of a call with a password.
async fn all_endings() -> Vec<Sent> {
    let mut sent = Vec::new();
    let faults = [
        None,
        Some(FaultKind::ReplyLostBeforeCommit),
        Some(FaultKind::ReplyLostAfterCommit),
        Some(FaultKind::ErrorApplied),
        Some(FaultKind::MalformedJson),
        Some(FaultKind::Redirect {
            location: "https://elsewhere.example/?again".into(),
        }),
        Some(FaultKind::RateLimited {
            limit: 1,
            reset_seconds: 0,
        }),
        // Longer than the provider waits.
        Some(FaultKind::Latency { ms: 4_000 }),
    ];
    let password = || Secret::new(CANARY.into());
    for fault in faults {
        let world = World::start().await;
        if let Some(fault) = fault {
            world.sandbox.inject_once("PUT", "*", fault);
        }
        sent.push(
            world
                .directory
                .set_password(&call(), &world.target(BOB), &password(), &[])
                .await,
        );
    }
    for in_header in [true, false] {
        let world = World::with(&[Quirk::RefusalEchoesPassword]).await;
        world.tenant().set_quirk(Quirk::ReasonInHeader, in_header);
        let target = world.target(BOB);
        sent.push(world.directory.set_password(&call(), &target, &password(), &[]).await);
    }
    let world = World::start().await;
    let mut nowhere = spec(&world.sandbox);
    nowhere.api_url = Some("http://127.0.0.1:1".into());
    let target: Target = world.target(BOB);
    let directory = connect(&nowhere).unwrap();
    sent.push(directory.set_password(&call(), &target, &password(), &[]).await);
    sent
}

#[test]
fn no_log_and_no_failure_holds_a_password() {
    let sink = Sink::default();
    let out = sink.clone();
    let subscriber = logs::subscriber(LogFormat::Text, "trace", move || out.clone()).unwrap();
    // Libraries uncapped too, so that it is their silence or our own doing, and not only the cap.
    let raw = Sink::default();
    let all = raw.clone();
    let uncapped = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || all.clone())
        .finish();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let mut endings = Vec::new();
    dispatcher::with_default(&tracing::Dispatch::new(subscriber), || {
        tracing::warn!("the log is being written");
        endings.extend(runtime().block_on(all_endings()));
    });
    dispatcher::with_default(&tracing::Dispatch::new(uncapped), || {
        tracing::warn!("the log is being written");
        endings.extend(runtime().block_on(all_endings()));
    });
    let kinds: std::collections::BTreeSet<_> = endings.iter().map(Sent::as_str).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["Done", "NotSent", "Refused", "Unknown"]
    );
    let told = format!("{endings:?}");
    for (name, sink) in [("the log", sink), ("the uncapped log", raw)] {
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("the log is being written"), "{name} is empty");
        for form in FORMS {
            assert!(!text.contains(form), "{form} is in {name}:\n{text}");
            assert!(!told.contains(form), "{form} is in a failure");
        }
    }
}
