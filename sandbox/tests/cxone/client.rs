//! A sandbox with a raw client that has signed in.

use reqwest::{Method, RequestBuilder};
use sandbox::cxone::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET};
use sandbox::{Options, Sandbox};
use serde_json::Value;

/// The Admin API.
pub const ADMIN: &str = "/inContactAPI/services/v34.0";

pub struct Fixture {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
    token: String,
}

impl Fixture {
    pub async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
        let http = reqwest::Client::new();
        let answer: Value = sign_in(&sandbox, &http, ACCESS_KEY_SECRET)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        Fixture { sandbox, http, token }
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.addresses().cxone);
        let call = self.http.request(method, url).bearer_auth(&self.token);
        call.header("accept", "application/json")
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.call(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.expect("JSON")
    }

    pub fn id(&self, name: &str) -> u64 {
        self.sandbox.cxone().agent(name).expect("an agent").agent_id
    }
}

/// The token endpoint, with the secrets of the built-in application and this access key secret.
pub fn sign_in(sandbox: &Sandbox, http: &reqwest::Client, secret: &str) -> RequestBuilder {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let form = [
        ("grant_type", "password"),
        ("username", ACCESS_KEY_ID),
        ("password", secret),
    ];
    http.post(format!("{}/auth/token", sandbox.addresses().cxone))
        .basic_auth(encoded(CLIENT_ID), Some(encoded(CLIENT_SECRET)))
        .form(&form)
}
