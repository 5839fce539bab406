//! The proxy's connections: takes in a request, lets it meet its fault, asks the API server, passes the answer on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::request::Call;
use super::rule::Fault;
use super::switches::{self, State};
use super::{Book, events, lock};

/// The connection to the client is closed without (the rest of) an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut: {0}")]
pub(super) struct Cut(String);

impl From<reqwest::Error> for Cut {
    fn from(error: reqwest::Error) -> Self {
        Cut(format!("the API server: {error}"))
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Cut>>;

/// What every connection shares.
pub(super) struct Relay {
    server: String,
    client: reqwest::Client,
    book: Arc<Mutex<Book>>,
    state: watch::Receiver<State>,
}

impl Relay {
    pub(super) fn new(
        server: &str,
        authority: &[u8],
        book: Arc<Mutex<Book>>,
        state: watch::Receiver<State>,
    ) -> Result<Self> {
        let authority = reqwest::Certificate::from_pem(authority).context("the control plane's authority")?;
        let client = reqwest::Client::builder()
            // A connection a request: what is cut or held concerns nobody else.
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([authority])
            .build()
            .context("make the proxy's client")?;
        Ok(Self {
            server: server.to_owned(),
            client,
            book,
            state,
        })
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        let relay = Arc::new(self);
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(relay.clone().connection(stream))),
                Err(error) => {
                    crate::announce(&format!("the API proxy accepts no connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let mut state = self.state.clone();
        let generation = state.borrow().generation;
        let service = service_fn(|request| self.clone().answer(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // How it ended is the client's affair.
            _ = connection => {}
            () = switches::cut(&mut state, generation) => {}
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| Cut(error.to_string()))?.to_bytes();
        let query = parts.uri.query().unwrap_or_default();
        let call = Call::new(parts.method.as_str(), parts.uri.path(), query, &body);
        let mut state = self.state.clone();
        switches::thawed(&mut state).await;
        let slow = state.borrow().slow;
        tokio::time::sleep(slow).await;
        let (number, fault) = lock(&self.book).meet(&call);
        let delay = match fault {
            Some(Fault::Lose) => return Err(Cut("as a rule says".into())),
            Some(Fault::Answer(code)) => return Ok(refusal(code, &call)),
            Some(Fault::Delay(by)) => by,
            _ => Duration::ZERO,
        };
        // In a task of its own: a request that is on its way arrives, even if its sender has gone.
        let relay = self.clone();
        let forward = async move {
            tokio::time::sleep(delay).await;
            relay.forward(parts, body, number, call).await
        };
        let (call, answer) = tokio::spawn(forward).await.map_err(|error| Cut(error.to_string()))??;
        match fault {
            Some(Fault::LoseReply) => return Err(Cut("as a rule says".into())),
            Some(Fault::AnswerAfter(code)) => return Ok(refusal(code, &call)),
            Some(Fault::DelayReply(by)) => tokio::time::sleep(by).await,
            _ => {}
        }
        switches::thawed(&mut state).await;
        Ok(answer)
    }

    /// Asks the API server. A watch is given as it begins, any other answer only when it is here as a whole.
    async fn forward(&self, parts: Parts, body: Bytes, number: u64, call: Call) -> Result<(Call, Answer), Cut> {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut headers = parts.headers;
        remove_connection_headers(&mut headers);
        headers.remove(HOST);
        let request = self.client.request(parts.method, format!("{}{target}", self.server));
        let answer = request.headers(headers).body(body).send().await?;
        let (mut parts, body) = Response::<reqwest::Body>::from(answer).into_parts();
        remove_connection_headers(&mut parts.headers);
        let body = if call.watch && parts.status.is_success() {
            let pieces = events::told(body, call.clone(), self.state.clone());
            StreamBody::new(pieces).boxed_unsync()
        } else {
            whole(body.collect().await?.to_bytes())
        };
        lock(&self.book).answered(number, parts.status.as_u16());
        Ok((call, Response::from_parts(parts, body)))
    }
}

/// Those that belong to one connection, and the length, which is told anew.
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
}

fn whole(bytes: Bytes) -> UnsyncBoxBody<Bytes, Cut> {
    let never = |impossible: Infallible| match impossible {};
    Full::new(bytes).map_err(never).boxed_unsync()
}

/// What an API server would say with this status.
fn refusal(code: u16, call: &Call) -> Answer {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 if call.method == "POST" => "AlreadyExists",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("the test's proxy answers {code}"), "reason": reason, "code": code,
    });
    let mut answer = Response::new(whole(status.to_string().into()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    if code == 429 {
        answer.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    answer
}
