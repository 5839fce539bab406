//! The API over HTTP/1.1: reads a request, lets faults strike, runs the operation, answers or drops the connection.
//!
//! A client which hangs up does not stop a call: it takes effect as it would on a real server. A call that has nothing to
//! wait for is therefore processed in one go, and one that waits does so in a task of its own. What operations mean must not come in here.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderValue, LINK};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::clock::http_date;
use crate::cxone::Cxone;
use crate::exchange::{Call, Reply};
use crate::faults::FaultKind;
use crate::okta::Okta;
use crate::service::{Service, Vendor};
use crate::servicenow::ServiceNow;
use crate::shared::Shared;
use crate::truth::Entry;

/// Longest request body.
const MAX_REQUEST: usize = 1024 * 1024;

/// Whole, or made as it is read.
type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed without an answer, as a fault demands")
    }
}

impl std::error::Error for Lost {}

/// Serves one connection until either side closes it. Without a vendor each call goes to the one whose host it names.
pub(crate) async fn serve_connection<S>(shared: Arc<Shared>, stream: S, scheme: &'static str, vendor: Option<Vendor>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { handle(shared, request, scheme, vendor).await }
    });
    // An error here is a client that went away or a fault that closed the connection; both are ordinary.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    scheme: &str,
    vendor: Option<Vendor>,
) -> Result<Response<Body>, Lost> {
    let (head, body) = request.into_parts();
    let body = if body.is_end_stream() {
        Bytes::new()
    } else {
        let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else {
            return Ok(render(Reply::empty(StatusCode::PAYLOAD_TOO_LARGE), &shared));
        };
        body.to_bytes()
    };
    let host = head
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let vendor = vendor.unwrap_or_else(|| Vendor::of_host(&host));
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        base: format!("{scheme}://{host}"),
        request_id: shared.next_request_id(),
    };
    match vendor {
        Vendor::Cxone => carry::<Cxone>(shared, call, host).await,
        Vendor::Okta => carry::<Okta>(shared, call, host).await,
        Vendor::ServiceNow => carry::<ServiceNow>(shared, call, host).await,
    }
}

/// Logs a call and processes it, in a task of its own as soon as it has to wait.
async fn carry<S: Service>(shared: Arc<Shared>, call: Call, host: String) -> Result<Response<Body>, Lost> {
    let seq = shared.truth.open(entry::<S>(&shared, &call, host));
    let mut processing = Box::pin(process::<S>(shared, call, seq));
    match futures::poll!(&mut processing) {
        Poll::Ready(result) => result,
        Poll::Pending => tokio::spawn(processing).await.unwrap_or(Err(Lost)),
    }
}

fn entry<S: Service>(shared: &Shared, call: &Call, host: String) -> Entry {
    let (operation, origin) = shared.service::<S>().operation(call);
    Entry {
        seq: 0,
        commit_seq: None,
        origin,
        received: shared.clock.now(),
        committed: None,
        answered: None,
        method: call.method.to_string(),
        path: call.path.clone(),
        query: S::shown_query(call),
        operation,
        host,
        caller: None,
        user_agent: call.header("user-agent").map(str::to_owned),
        body_sha256: (!call.body.is_empty()).then(|| data_encoding::HEXLOWER.encode(&Sha256::digest(&call.body))),
        body_fields: call.body_fields(),
        account: None,
        faults: Vec::new(),
        applied: false,
        changes: Vec::new(),
        status: None,
        error_code: None,
        request_id: call.request_id.clone(),
    }
}

/// Counts a call as in flight for as long as it lives.
struct InFlight<S: Service>(Arc<Shared>, PhantomData<fn() -> S>);

impl<S: Service> InFlight<S> {
    fn enter(shared: &Arc<Shared>) -> (Self, usize) {
        let before = S::host(shared).in_flight.fetch_add(1, Ordering::AcqRel);
        (Self(Arc::clone(shared), PhantomData), before)
    }
}

impl<S: Service> Drop for InFlight<S> {
    fn drop(&mut self) {
        S::host(&self.0).in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn process<S: Service>(shared: Arc<Shared>, call: Call, seq: u64) -> Result<Response<Body>, Lost> {
    let (_in_flight, before) = InFlight::<S>::enter(&shared);
    let faults = shared.faults.strike(call.method.as_str(), &call.path);
    let (admission, concurrency) = {
        let mut service = shared.service::<S>();
        (service.admit(&call, shared.clock.now()), service.concurrency())
    };
    let names = faults.iter().map(FaultKind::name).collect();
    shared.truth.note(seq, S::caller(&admission), names);
    wait_before(&shared, &faults).await;
    let crowded = concurrency.is_some_and(|most| before >= most);
    let crowded = crowded.then_some(FaultKind::ConcurrencyLimited);
    let refusal = crowded.iter().chain(&faults).find(|fault| !applies(fault));
    if let Some(fault) = refusal {
        let reply = shared
            .service::<S>()
            .fault_reply(fault, &call, &admission, shared.clock.now());
        return reply.map(|reply| answer(&shared, seq, reply, &[])).ok_or(Lost);
    }
    if let Some(ms) = faults.iter().find_map(|fault| {
        if let FaultKind::LateCommit { ms } = fault {
            Some(*ms)
        } else {
            None
        }
    }) {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            execute::<S>(&shared, &call, &admission, seq);
        });
        return Err(Lost);
    }
    let mut reply = execute::<S>(&shared, &call, &admission, seq);
    for fault in &faults {
        if let FaultKind::LatencyAfterCommit { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    if faults.contains(&FaultKind::ReplyLostAfterCommit) {
        return Err(Lost);
    }
    if let Some(fault) = faults.iter().find(|fault| **fault == FaultKind::ErrorApplied) {
        let replaced = shared
            .service::<S>()
            .fault_reply(fault, &call, &admission, shared.clock.now());
        reply = replaced.unwrap_or(reply);
    }
    Ok(answer(&shared, seq, reply, &faults))
}

/// Whether a call that this fault strikes still takes effect.
fn applies(fault: &FaultKind) -> bool {
    !matches!(
        fault,
        FaultKind::RateLimited { .. }
            | FaultKind::ConcurrencyLimited
            | FaultKind::Unavailable
            | FaultKind::ErrorNotApplied
            | FaultKind::Status { .. }
            | FaultKind::Redirect { .. }
            | FaultKind::ReplyLostBeforeCommit
    )
}

async fn wait_before(shared: &Shared, faults: &[FaultKind]) {
    let mut wait = shared.latency().draw();
    for fault in faults {
        if let FaultKind::Latency { ms } = fault {
            wait += Duration::from_millis(*ms);
        }
    }
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Runs the operation and records what it committed, both under the service's lock.
fn execute<S: Service>(shared: &Shared, call: &Call, admission: &S::Admission, seq: u64) -> Reply {
    let mut service = shared.service::<S>();
    let now = shared.clock.now();
    let (reply, effects) = service.execute(call, admission, now);
    shared
        .truth
        .commit(seq, now, effects.account, effects.applied, effects.changes);
    reply
}

/// Hands an answer over, spoilt as the faults demand.
fn answer(shared: &Shared, seq: u64, mut reply: Reply, faults: &[FaultKind]) -> Response<Body> {
    shared
        .truth
        .answer(seq, shared.clock.now(), reply.status.as_u16(), reply.error_code.clone());
    for fault in faults {
        match fault {
            FaultKind::MalformedJson => {
                let cut = reply.body.len() / 2;
                let broken = [&reply.body[..cut], b"{\"id\":"].concat();
                reply.body = broken.into();
                reply
                    .headers
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            FaultKind::WrongContentType { content_type } => {
                let value = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("text/html"));
                reply.headers.insert(CONTENT_TYPE, value);
            }
            FaultKind::ForeignNextLink { host } => {
                let link = format!("<https://{host}/api/v1/users?after=x>; rel=\"next\"");
                reply.headers.remove(LINK);
                reply = reply.with_header("link", &link);
            }
            _ => {}
        }
    }
    let stream = faults.iter().find_map(|fault| match fault {
        FaultKind::HugeBody { bytes } => Some(huge(*bytes)),
        FaultKind::SlowBody { ms_per_byte } => Some(slow(reply.body.clone(), *ms_per_byte)),
        _ => None,
    });
    let mut response = render(reply, shared);
    if let Some(stream) = stream {
        *response.body_mut() = stream;
    }
    response
}

fn render(reply: Reply, shared: &Shared) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(reply.body)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    let date = HeaderValue::from_str(&http_date(shared.clock.now())).expect("a date is visible ASCII");
    response.headers_mut().insert(DATE, date);
    response
}

/// A JSON body of at least `bytes` bytes, made as it is read.
fn huge(bytes: u64) -> Body {
    const CHUNK: usize = 64 * 1024;
    let filler = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = usize::try_from(bytes).unwrap_or(usize::MAX) / CHUNK + 1;
    let parts = std::iter::once(Bytes::from_static(b"{\"padding\":\""))
        .chain(std::iter::repeat_n(filler, chunks))
        .chain(std::iter::once(Bytes::from_static(b"\"}")));
    Either::Right(StreamBody::new(futures::stream::iter(parts.map(|part| Ok(Frame::data(part))))).boxed_unsync())
}

/// A body that is sent one byte at a time.
fn slow(body: Bytes, ms_per_byte: u64) -> Body {
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body
    };
    let stream = futures::stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(ms_per_byte)).await;
        let byte = rest.split_to(1);
        Some((Ok(Frame::data(byte)), rest))
    });
    Either::Right(StreamBody::new(stream).boxed_unsync())
}
