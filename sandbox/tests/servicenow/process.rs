//! The vendor by host name through the proxy, and the binary with its switches.

use std::process::Command;

use sandbox::{Options, Sandbox};
use serde_json::Value;

#[tokio::test]
async fn a_host_of_this_vendors_cloud_leads_here() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .proxy(reqwest::Proxy::https(&sandbox.addresses().proxy).expect("a proxy"))
        .build()
        .expect("a client");
    let get = |host: &str| client.get(format!("https://{host}/api/now/v2/table/sys_user")).send();
    let answer: Value = get("example.service-now.com")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer["status"], "failure", "{answer}");
    let other: Value = get("example.okta.com")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert!(other["errorCode"].is_string(), "{other}");
}

#[test]
fn help_lists_every_quirk_with_what_it_does() {
    let output = Command::new(env!("CARGO_BIN_EXE_readmit-sandbox"))
        .arg("--help")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "--quirks",
        "queue-overflow-202",
        "password-stored-plain",
        "unlock-403-e0000032",
        "ServiceNow: ",
        "Okta: ",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let wrong = Command::new(env!("CARGO_BIN_EXE_readmit-sandbox"))
        .args(["--quirks", "no-such-quirk"])
        .output()
        .expect("it runs");
    assert!(!wrong.status.success());
}
