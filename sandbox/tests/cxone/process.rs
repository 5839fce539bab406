//! The vendor by host name through the proxy, and the binary's switches.

use sandbox::{Options, Sandbox};
use serde_json::Value;
use std::process::Command;

#[tokio::test]
async fn hosts_of_this_vendors_cloud_lead_here() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .proxy(reqwest::Proxy::https(&sandbox.addresses().proxy).expect("a proxy"))
        .build()
        .expect("a client");
    for host in ["cxone.niceincontact.com", "na1.nice-incontact.com"] {
        let url = format!("https://{host}/.well-known/openid-configuration");
        let answer: Value = client
            .get(url)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        assert_eq!(
            answer["token_endpoint"],
            format!("https://{host}/auth/token"),
            "{answer}"
        );
    }
}

#[test]
fn help_lists_its_quirks() {
    let output = Command::new(env!("CARGO_BIN_EXE_readmit-sandbox"))
        .arg("--help")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "CXone: ",
        "accepted-202",
        "lock-filter-ignored",
        "agents-hidden",
        "--cxone",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}
