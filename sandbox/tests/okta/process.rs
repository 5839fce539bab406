//! The CONNECT proxy with TLS, and the binary driven through its control API.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use sandbox::{Addresses, Options, SEED_PASSWORD, Sandbox, fingerprint};
use serde_json::{Value, json};

use crate::client::Fixture;

/// A client that trusts this authority only and goes through this proxy, as `HTTPS_PROXY` and `SSL_CERT_FILE` make it.
fn proxied(proxy: &str, ca_pem: &str) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(ca_pem.as_bytes()).expect("a certificate");
    let builder = reqwest::Client::builder().tls_certs_only([authority]);
    builder
        .proxy(reqwest::Proxy::https(proxy).expect("a proxy"))
        .build()
        .expect("a client")
}

#[tokio::test]
async fn a_real_host_name_works_verbatim_through_the_proxy() {
    let fixture = Fixture::start().await;
    let client = proxied(&fixture.sandbox.addresses().proxy, fixture.sandbox.ca_pem());
    for host in ["example.okta.com", "other.oktapreview.com"] {
        let address = format!("https://{host}/api/v1/users/alice");
        let request = client
            .get(address)
            .header("authorization", format!("SSWS {}", fixture.token));
        let user: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        let link = user["_links"]["self"]["href"].as_str().expect("a link").to_owned();
        assert!(link.starts_with(&format!("https://{host}/")), "{link}");
    }
    assert_eq!(
        fixture.sandbox.connects(),
        ["example.okta.com:443", "other.oktapreview.com:443"]
    );
    let hosts: Vec<_> = fixture.sandbox.truth().into_iter().map(|entry| entry.host).collect();
    assert_eq!(hosts, ["example.okta.com", "other.oktapreview.com"]);
    let stranger = Sandbox::start(Options::default()).await.expect("another sandbox");
    let distrustful = proxied(&fixture.sandbox.addresses().proxy, stranger.ca_pem());
    assert!(
        distrustful.get("https://example.okta.com/").send().await.is_err(),
        "another authority was trusted"
    );
    let plain = fixture
        .http
        .get(&fixture.sandbox.addresses().proxy)
        .send()
        .await
        .expect("an answer");
    assert_eq!(plain.status(), 405);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let options = Options {
        http: "0.0.0.0:0".parse().expect("an address"),
        ..Options::default()
    };
    let error = Sandbox::start(options)
        .await
        .expect_err("it must not listen to the world");
    assert!(error.to_string().contains("loopback"), "{error}");
}

/// The binary, killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(arguments: &[&str]) -> (Process, Addresses) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readmit-sandbox"));
    let mut child = command
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("its output");
    BufReader::new(output)
        .read_line(&mut line)
        .expect("a line when it is ready");
    (
        Process(child),
        serde_json::from_str(&line).expect("its addresses as JSON"),
    )
}

struct Control {
    http: reqwest::Client,
    base: String,
}

impl Control {
    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}/_sandbox/{path}", self.base));
        let request = if let Some(body) = body {
            request.json(&body)
        } else {
            request
        };
        request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

#[tokio::test]
async fn the_binary_is_driven_from_another_process() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (ca, seed) = (scratch.path().join("ca.pem"), scratch.path().join("seed.json"));
    std::fs::write(
        &seed,
        json!([{"login": "zoe@example.com", "password": SEED_PASSWORD}]).to_string(),
    )
    .expect("a seed");
    let text = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    let (mut process, addresses) = spawn(&[
        "--ca-file",
        &text(&ca),
        "--seed",
        &text(&seed),
        "--token",
        "00aFlag",
        "--locked-users",
        "3",
        "--quirk",
        "device-lockout",
    ]);
    let control = Control {
        http: reqwest::Client::builder().no_proxy().build().expect("a client"),
        base: addresses.control,
    };
    let account = control.send("GET", "account?key=zoe@example.com", None).await;
    assert_eq!(
        (&account["status"], &account["password"]),
        (&json!("ACTIVE"), &json!(fingerprint(SEED_PASSWORD)))
    );
    assert_eq!(
        control.send("GET", "accounts", None).await.as_array().map(Vec::len),
        Some(5)
    );
    let signed_in = control
        .send(
            "POST",
            "sign-in",
            Some(json!({"login": "zoe@example.com", "password": SEED_PASSWORD})),
        )
        .await;
    assert_eq!(signed_in["outcome"], "success");
    assert_eq!(
        control
            .send("POST", "lock", Some(json!({"login": "zoe@example.com"})))
            .await["status"],
        "LOCKED_OUT"
    );
    let settings = control
        .send("PATCH", "settings", Some(json!({"lockout": {"limit": 2}})))
        .await;
    assert_eq!(
        (&settings["lockout"]["limit"], &settings["searchLagMs"]),
        (&json!(2), &json!(0))
    );
    assert!(
        settings["quirks"]
            .as_array()
            .is_some_and(|quirks| quirks.contains(&json!("device-lockout")))
    );
    let fault = json!({"method": "GET", "path": "*zoe*", "count": 1, "fault": {"kind": "unavailable"}});
    control.send("POST", "faults", Some(fault)).await;
    let client = proxied(
        &addresses.proxy,
        &std::fs::read_to_string(&ca).expect("the certificate was written"),
    );
    let get = || {
        client
            .get("https://example.okta.com/api/v1/users/zoe")
            .header("authorization", "SSWS 00aFlag")
            .send()
    };
    assert_eq!(get().await.expect("an answer").status(), 503);
    assert_eq!(get().await.expect("an answer").status(), 200);
    let truth = control.send("GET", "truth?since=2", None).await;
    let statuses: Vec<_> = truth
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["status"].clone())
        .collect();
    assert_eq!(statuses, [json!(503), json!(200)]);
    assert!(control.send("POST", "lock", Some(json!({"login": "none"}))).await["error"].is_string());
    let stopped = Command::new("kill")
        .arg(process.0.id().to_string())
        .status()
        .expect("kill runs");
    assert!(stopped.success());
    assert!(
        process.0.wait().expect("it ends").success(),
        "SIGTERM is an orderly end"
    );
}

#[tokio::test]
async fn a_given_certificate_is_served() {
    let scratch = tempfile::tempdir().expect("a directory");
    let file = |name: &str| scratch.path().join(name).to_str().expect("a plain path").to_owned();
    let given = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(file("tls.crt"), given.cert.pem()).expect("written");
    std::fs::write(file("tls.key"), given.signing_key.serialize_pem()).expect("written");
    let (certificate, key) = (file("tls.crt"), file("tls.key"));
    let (_process, addresses) = spawn(&[
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &key,
        "--token",
        "00aFlag",
    ]);
    let authority = reqwest::Certificate::from_pem(given.cert.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]);
    let address = format!("{}/api/v1/users/alice", addresses.https);
    let asked = client
        .build()
        .expect("a client")
        .get(address)
        .header("authorization", "SSWS 00aFlag");
    assert_eq!(asked.send().await.expect("an answer").status(), 200);
    let another = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(file("other.key"), another.signing_key.serialize_pem()).expect("written");
    for (flags, part) in [
        (vec!["--tls-certificate", &certificate], "--tls-key"),
        (
            vec!["--tls-certificate", &certificate, "--tls-key", &file("other.key")],
            "is not that of",
        ),
        (
            vec!["--tls-certificate", &file("none"), "--tls-key", &key],
            "cannot read certificates",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_readmit-sandbox"))
            .args(&flags)
            .output();
        let output = output.expect("the binary starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(part), "{flags:?}: {text}");
    }
}
