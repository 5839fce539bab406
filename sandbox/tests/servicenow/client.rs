//! A sandbox with a raw client.

use reqwest::{Method, RequestBuilder, Response};
use sandbox::servicenow::{OPERATOR, OPERATOR_PASSWORD, Setup};
use sandbox::{Options, Sandbox};
use serde_json::Value;

pub struct Fixture {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
    base: String,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let options = Options {
            servicenow: setup,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.expect("a sandbox");
        let base = sandbox.addresses().servicenow.clone();
        Fixture {
            sandbox,
            http: reqwest::Client::new(),
            base,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A call as the operator, with the headers that it needs.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.call_as(OPERATOR, OPERATOR_PASSWORD, method, path)
    }

    pub fn call_as(&self, name: &str, password: &str, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .basic_auth(name, Some(password))
            .header("accept", "application/json")
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.call(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.expect("JSON")
    }

    pub async fn patch(&self, path: &str, body: Value) -> Response {
        let call = self.call(Method::PATCH, path).json(&body);
        call.send().await.expect("an answer")
    }

    pub fn id(&self, user: &str) -> String {
        self.sandbox.servicenow().user(user).expect("a user")["sys_id"].clone()
    }
}
