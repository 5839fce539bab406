//! Switches that hold for everything at once: late watches, a freeze, slowness, cut connections.

use crate::{Bench, create};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{WatchEvent, WatchParams};
use std::{
    pin::pin,
    time::{Duration, Instant},
};
use testkit::api_proxy::Matcher;

const PATIENCE: Duration = Duration::from_secs(10);

/// Changes of the object of this name, through the proxy.
async fn watch(bench: &Bench, name: &str) -> impl Stream<Item = Result<WatchEvent<ConfigMap>, kube::Error>> {
    let params = WatchParams::default()
        .disable_bookmarks()
        .fields(&format!("metadata.name={name}"));
    bench.through.watch(&params, "0").await.expect("a watch")
}

/// How long a stream takes to tell of a create, from when the API server had answered it.
async fn told_after(
    bench: &Bench,
    name: &str,
    stream: &mut (impl Stream<Item = Result<WatchEvent<ConfigMap>, kube::Error>> + Unpin),
) -> Duration {
    create(&bench.past, name).await.expect("created");
    let begun = Instant::now();
    let event = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time");
    assert!(matches!(event, Some(Ok(WatchEvent::Added(_)))), "{event:?}");
    begun.elapsed()
}

#[test]
fn watches_can_be_late_and_on_time_again() {
    let Some(bench) = Bench::set() else { return };
    let late = Duration::from_secs(1);
    bench.runtime.block_on(async {
        let mut running = pin!(watch(&bench, "watch-1").await);
        bench.proxy.delay_watches(Matcher::any().resource("configmaps"), late);
        let took = told_after(&bench, "watch-1", &mut running).await;
        assert!(took > Duration::from_millis(900), "{took:?}");
        // Another resource's watches, or none any more.
        for (n, by) in [(2, late), (3, Duration::ZERO)] {
            let name = format!("watch-{n}");
            let resource = if n == 2 { "secrets" } else { "configmaps" };
            bench.proxy.delay_watches(Matcher::any().resource(resource), by);
            let mut other = pin!(watch(&bench, &name).await);
            let took = told_after(&bench, &name, &mut other).await;
            assert!(took < Duration::from_millis(700), "{took:?}");
        }
    });
}

#[test]
fn a_freeze_holds_requests_and_streams_and_loses_nothing() {
    let Some(bench) = Bench::set() else { return };
    bench.runtime.block_on(async {
        let mut running = pin!(watch(&bench, "frozen-1").await);
        bench.proxy.freeze();
        create(&bench.past, "frozen-1").await.expect("created");
        let held = tokio::time::timeout(Duration::from_millis(500), async {
            tokio::select! {
                event = running.next() => format!("{event:?}"),
                made = create(&bench.through, "frozen-2") => format!("{made:?}"),
            }
        });
        assert!(held.await.is_err());
        // Its sender went away while it was frozen.
        assert_eq!(bench.past.get_opt("frozen-2").await.expect("an answer"), None);
        let patient = create(&bench.through, "frozen-3");
        let thaw = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(bench.past.get_opt("frozen-3").await.expect("an answer"), None);
            bench.proxy.thaw();
        };
        let (made, ()) = tokio::join!(patient, thaw);
        made.expect("created after the thaw");
        let event = tokio::time::timeout(PATIENCE, running.next()).await.expect("in time");
        assert!(matches!(event, Some(Ok(WatchEvent::Added(_)))), "{event:?}");
    });
}

#[test]
fn everything_can_be_slow() {
    let Some(bench) = Bench::set() else { return };
    bench.runtime.block_on(async {
        for (n, by) in [(1, 500), (2, 0)] {
            let by = Duration::from_millis(by);
            bench.proxy.slow(by);
            let begun = Instant::now();
            create(&bench.through, &format!("slow-{n}")).await.expect("created");
            assert_eq!(begun.elapsed() > Duration::from_millis(400), by > Duration::ZERO);
        }
    });
}

#[test]
fn cut_connections_end_and_new_ones_are_welcome() {
    let Some(bench) = Bench::set() else { return };
    bench.runtime.block_on(async {
        let mut running = pin!(watch(&bench, "cut-1").await);
        bench.proxy.slow(Duration::from_secs(5));
        let on_its_way = create(&bench.through, "cut-2");
        let cut = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            bench.proxy.cut();
        };
        let (made, ()) = tokio::join!(on_its_way, cut);
        assert!(made.is_err(), "{made:?}");
        let end = tokio::time::timeout(PATIENCE, running.next()).await.expect("in time");
        assert!(matches!(end, None | Some(Err(_))), "{end:?}");
        bench.proxy.slow(Duration::ZERO);
        create(&bench.through, "cut-3")
            .await
            .expect("created on a new connection");
        assert_eq!(bench.past.get_opt("cut-2").await.expect("an answer"), None);
    });
}
