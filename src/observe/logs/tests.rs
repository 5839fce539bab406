//! What the log lets through, and that no secret is in it at the finest level.

use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::{Router, routing::any};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, Config};
use tokio::net::TcpListener;
use tracing::dispatcher::with_default;
use tracing::{Dispatch, debug, error, info, trace, warn};

use super::*;

/// Stands for every secret: it is in the token, the header, the body and the answer.
const CANARY: &str = "canary-7c1e";

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `work` logs under this filter.
fn logged(format: LogFormat, filter: &str, work: impl FnOnce()) -> String {
    let sink = Sink::default();
    let out = sink.clone();
    let subscriber = subscriber(format, filter, move || out.clone()).unwrap();
    with_default(&Dispatch::new(subscriber), work);
    String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
}

/// On this thread alone, where the subscriber is.
fn block_on(work: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work);
}

/// Speaks through the clients that the operator uses, to a server whose answers no client can parse.
async fn talk() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("{{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"data\":{{\"password\":\"{CANARY}\"}}}}");
    let router = Router::new().fallback(any(move || std::future::ready(answer.clone())));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut config = Config::new(url.parse().unwrap());
    config.auth_info.token = Some(CANARY.to_owned().into());
    let secrets: Api<Secret> = Api::default_namespaced(Client::try_from(config).unwrap());
    secrets.get("okta").await.expect_err("its data is not base64");

    let request = reqwest::Client::new()
        .post(&url)
        .header("authorization", CANARY)
        .body(CANARY);
    request.send().await.unwrap().text().await.unwrap();
    trace!(target: "readmit::test", "talked");
    server.abort();
}

#[test]
fn no_level_lets_secrets_through() {
    for filter in [
        "trace",
        "kube_client=trace,hyper=trace,readmit=trace,kube_client::client=trace",
    ] {
        for format in [LogFormat::Json, LogFormat::Text] {
            let log = logged(format, filter, || block_on(talk()));
            assert!(log.contains("talked"), "the filter is in force: {log}");
            assert!(!log.contains(CANARY), "{log}");
        }
    }
}

#[test]
fn without_the_caps_secrets_would_be_logged() {
    let sink = Sink::default();
    let out = sink.clone();
    let layer = fmt::layer().with_writer(move || out.clone());
    let uncapped = tracing_subscriber::registry().with(layer.with_filter(read("trace").unwrap()));
    with_default(&Dispatch::new(uncapped), || block_on(talk()));
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(CANARY), "the test above could not fail: {log}");
}

macro_rules! every_level {
    ($($target:literal),+) => {$(
        error!(target: $target, concat!("<E ", $target, ">"));
        warn!(target: $target, concat!("<W ", $target, ">"));
        info!(target: $target, concat!("<I ", $target, ">"));
        debug!(target: $target, concat!("<D ", $target, ">"));
        trace!(target: $target, concat!("<T ", $target, ">"));
    )+};
}

#[test]
fn each_target_has_its_cap() {
    let log = logged(LogFormat::Text, "trace", || {
        every_level!(
            "readmit",
            "readmit::controller",
            "readmittance",
            "h2::codec",
            "hyper_util",
            "reqwest::connect",
            "rustls",
            "tower::buffer",
            "age",
            "kube_runtime::watcher",
            "kube_client::config",
            "kube_client::client",
            "kube_client::client::builder",
            "kube_client::client::tls",
            "ldap3::conn"
        );
    });
    let mut found: Vec<&str> = log
        .split('<')
        .skip(1)
        .filter_map(|part| part.split('>').next())
        .collect();
    found.sort_unstable();
    let expected = "D kube_client::client::builder,D readmit,D readmit::controller,E age,E h2::codec,E hyper_util,\
        E kube_client::client,E kube_client::client::builder,E kube_client::client::tls,E kube_client::config,\
        E kube_runtime::watcher,E ldap3::conn,E readmit,E readmit::controller,E readmittance,E reqwest::connect,\
        E rustls,E tower::buffer,I kube_client::client::builder,I readmit,I readmit::controller,T readmit,\
        T readmit::controller,W age,W h2::codec,W hyper_util,W kube_client::client::builder,W kube_client::config,\
        W kube_runtime::watcher,W readmit,W readmit::controller,W readmittance,W reqwest::connect,W rustls,\
        W tower::buffer";
    assert_eq!(found.join(","), expected);
}

#[test]
fn the_filter_may_ask_for_less() {
    let log = logged(LogFormat::Text, "warn,readmit::controller=debug", || {
        every_level!("readmit::controller", "readmit::web", "hyper");
    });
    for (line, there) in [
        ("<D readmit::controller>", true),
        ("<T readmit::controller>", false),
        ("<I readmit::web>", false),
        ("<W readmit::web>", true),
        ("<W hyper>", true),
    ] {
        assert_eq!(log.contains(line), there, "{line} in {log}");
    }
}

#[test]
fn json_lines_are_json() {
    let log = logged(
        LogFormat::Json,
        "info",
        || info!(target: "readmit", directory = "okta", "ready\n"),
    );
    let line: serde_json::Value = serde_json::from_str(log.trim_end()).unwrap();
    assert_eq!(
        (&line["message"], &line["directory"]),
        (&"ready\n".into(), &"okta".into())
    );
    assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"readmit".into()));
}

#[test]
fn a_filter_is_checked() {
    check("info,readmit::controller=debug").unwrap();
    check("readmit=loud").unwrap_err();
}
