//! The system log: events that operations write, and the two ways of reading it.
//!
//! Polling (no `until`, ascending) goes by persistence, always has a next link and its cursor never skips; bounded
//! reading (`since` and `until`) goes by publication time and ends. Source: Okta's System Log query guide.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::{ApiError, ApiResult};
use super::evaluate::evaluate;
use super::expression::{self, Dialect, Expression};
use super::org::{Context, Okta};
use super::user::User;
use super::users::{cursor_text, invalid_cursor, with_links};
use crate::clock::iso;
use crate::directory::stable_id;
use crate::exchange::{Call, Reply};

/// Hours that the log looks back when no `since` is given.
const DEFAULT_LOOK_BACK: i64 = 7 * 24;
/// Hours after which events are gone.
const RETENTION: i64 = 90 * 24;

/// What an operation reports.
#[derive(Debug, Clone)]
pub(super) struct Event {
    kind: &'static str,
    message: &'static str,
    result: &'static str,
    reason: Option<&'static str>,
}

impl Event {
    pub(super) fn success(kind: &'static str, message: &'static str) -> Self {
        Self {
            kind,
            message,
            result: "SUCCESS",
            reason: None,
        }
    }

    pub(super) fn failure(kind: &'static str, message: &'static str, reason: &'static str) -> Self {
        Self {
            kind,
            message,
            result: "FAILURE",
            reason: Some(reason),
        }
    }
}

/// An event in the log.
#[derive(Debug)]
struct LogEvent {
    /// When it happened, as it claims.
    published: Timestamp,
    /// When it can be read.
    persisted: Timestamp,
    content: Content,
}

/// What an event says.
#[derive(Debug)]
enum Content {
    /// Kept as what happened, since its JSON is a multiple of that and most events are never read.
    Written(Box<Report>),
    /// As a test gave it.
    Injected(Value),
}

impl LogEvent {
    /// The event as the API shows it.
    fn shape(&self) -> Value {
        match &self.content {
            Content::Written(report) => report.shape(),
            Content::Injected(shape) => shape.clone(),
        }
    }
}

/// What happened to a user, and by whom.
#[derive(Debug)]
struct Report {
    event: Event,
    at: Timestamp,
    /// Number of events that were there before.
    number: usize,
    user: String,
    login: String,
    name: String,
    /// The caller's name and user.
    caller: Option<(String, Option<String>)>,
    request_id: String,
    /// Whether an automatic lock names the user as its actor only.
    actor_only: bool,
}

impl Report {
    fn shape(&self) -> Value {
        let event = &self.event;
        let subject =
            json!({"id": self.user, "type": "User", "alternateId": self.login, "displayName": self.name.trim()});
        let is_lock = event.kind.starts_with("user.account.lock");
        let (actor, target) = match &self.caller {
            Some((name, user)) => {
                let actor = json!({
                    "id": user.as_ref().unwrap_or(name),
                    "type": if user.is_some() { "User" } else { "PublicClientApp" },
                    "alternateId": name,
                    "displayName": name,
                });
                (actor, json!([subject]))
            }
            None if is_lock && self.actor_only => (subject, Value::Null),
            None if event.kind == "user.account.unlock" => {
                let system = json!({"id": "system", "type": "SystemPrincipal", "alternateId": "system@okta.com", "displayName": "Okta System"});
                (system, json!([subject]))
            }
            None => (subject.clone(), json!([subject])),
        };
        let mut shape = json!({
            "uuid": uuid(&format!("{}/{}", self.user, self.number)),
            "published": iso(self.at),
            "eventType": event.kind,
            "version": "0",
            "severity": if is_lock { "DEBUG" } else { "INFO" },
            "displayMessage": event.message,
            "actor": actor,
            "outcome": {"result": event.result},
            "transaction": {"type": "WEB", "id": self.request_id, "detail": {}},
            "debugContext": {"debugData": {"requestId": self.request_id}},
        });
        if let Some(reason) = event.reason {
            shape["outcome"]["reason"] = json!(reason);
        }
        if let Some((name, _)) = &self.caller {
            shape["transaction"]["detail"] = json!({"requestApiTokenId": name});
        }
        if !target.is_null() {
            shape["target"] = target;
        }
        shape
    }
}

/// The log in order of persistence.
#[derive(Debug, Default)]
pub(super) struct SystemLog {
    events: Vec<LogEvent>,
}

impl SystemLog {
    pub(super) fn write(
        &mut self,
        context: &Context,
        user: &User,
        event: Event,
        persisted: Timestamp,
        actor_only: bool,
    ) {
        let caller = context.caller.as_ref();
        let report = Report {
            event,
            at: context.now,
            number: self.events.len(),
            user: user.id.clone(),
            login: user.text("login").to_owned(),
            name: format!("{} {}", user.text("firstName"), user.text("lastName")),
            caller: caller.map(|caller| (caller.name.clone(), caller.user.clone())),
            request_id: context.request_id.clone(),
            actor_only,
        };
        self.insert(LogEvent {
            published: context.now,
            persisted,
            content: Content::Written(Box::new(report)),
        });
    }

    /// Adds an event in order of persistence.
    fn insert(&mut self, event: LogEvent) {
        let position = self
            .events
            .partition_point(|earlier| earlier.persisted <= event.persisted);
        self.events.insert(position, event);
    }
}

fn uuid(seed: &str) -> String {
    use sha2::{Digest, Sha256};
    let hex = data_encoding::HEXLOWER.encode(&Sha256::digest(seed.as_bytes()));
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    )
}

impl Okta {
    /// Adds an event as a test gives it: published then, persisted now. This is how late events are made.
    pub fn inject_event(&mut self, published: Timestamp, persisted: Timestamp, mut shape: Value) {
        shape["published"] = json!(iso(published));
        if shape.get("uuid").is_none() {
            shape["uuid"] = json!(uuid(&stable_id(
                "evt",
                &format!("{persisted}/{}", self.log.events.len()),
                24
            )));
        }
        self.log.insert(LogEvent {
            published,
            persisted,
            content: Content::Injected(shape),
        });
    }

    pub(super) fn get_logs(&self, call: &Call, context: &Context) -> ApiResult<Reply> {
        let query = LogQuery::parse(call, context.now)?;
        let readable: Vec<(usize, &LogEvent)> = self
            .log
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.persisted <= context.now && query.covers(event, context.now))
            .collect();
        let matching = |event: &LogEvent| Some(event.shape()).filter(|shape| query.admits(shape));
        if query.polls() {
            return Ok(poll(call, &query, &readable, matching));
        }
        let mut found: Vec<(Timestamp, Value)> = readable
            .iter()
            .filter_map(|(_, event)| Some((event.published, matching(event)?)))
            .collect();
        found.sort_by_key(|(published, _)| *published);
        if query.descending {
            found.reverse();
        }
        let end = (query.start + query.limit).min(found.len());
        let total = found.len();
        let page: Value = found
            .into_iter()
            .skip(query.start)
            .take(query.limit)
            .map(|(_, shape)| shape)
            .collect();
        let since = query.since.map(iso).unwrap_or_default();
        let next = (end < total).then(|| format!("{end}@{since}"));
        Ok(with_links(Reply::json(StatusCode::OK, &page), call, next.as_deref()))
    }
}

/// A page in order of persistence; the cursor is the position up to which the log was looked at.
fn poll(
    call: &Call,
    query: &LogQuery,
    readable: &[(usize, &LogEvent)],
    matching: impl Fn(&LogEvent) -> Option<Value>,
) -> Reply {
    let mut position = query.start;
    let mut page = Vec::new();
    for (index, event) in readable.iter().filter(|(index, _)| *index >= query.start) {
        if page.len() == query.limit {
            break;
        }
        page.extend(matching(event));
        position = index + 1;
    }
    with_links(
        Reply::json(StatusCode::OK, &Value::Array(page)),
        call,
        Some(&position.to_string()),
    )
}

struct LogQuery {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    start: usize,
    limit: usize,
    filter: Option<Expression>,
    words: Option<String>,
    descending: bool,
}

impl LogQuery {
    fn parse(call: &Call, now: Timestamp) -> ApiResult<Self> {
        let cursor = cursor_text(call)?;
        let has_cursor = cursor.is_some();
        let since = time(call, "since")?;
        if has_cursor && since.is_some() {
            return Err(ApiError::validation("after", "after: cannot be combined with since"));
        }
        let until = time(call, "until")?;
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(ApiError::validation("until", "until: must not be earlier than since"));
        }
        let look_back = (!has_cursor).then(|| now - SignedDuration::from_hours(DEFAULT_LOOK_BACK));
        // A bounded read's cursor carries the start time beside the position.
        let cursor = cursor.unwrap_or_else(|| "0".to_owned());
        let (position, carried) = cursor.split_once('@').unwrap_or((&cursor, ""));
        let limit = match call.parameter("limit") {
            None => Some(100),
            Some(text) => text.parse().ok().filter(|limit| *limit <= 1000),
        };
        Ok(Self {
            since: since.or(look_back).or_else(|| carried.parse().ok()),
            until,
            start: position.parse().map_err(|_| invalid_cursor())?,
            limit: limit.ok_or_else(|| ApiError::validation("limit", "limit: must be 0 to 1000"))?,
            filter: call
                .parameter("filter")
                .map(|text| expression::parse(&text, Dialect::LogFilter))
                .transpose()?,
            words: call.parameter("q").map(|words| words.to_lowercase()),
            descending: call
                .parameter("sortOrder")
                .is_some_and(|order| order.eq_ignore_ascii_case("descending")),
        })
    }

    fn polls(&self) -> bool {
        self.until.is_none() && !self.descending
    }

    fn covers(&self, event: &LogEvent, now: Timestamp) -> bool {
        let retained = event.published > now - SignedDuration::from_hours(RETENTION);
        // A polling cursor goes by position alone; a start time goes by publication.
        let since = self.since.is_none_or(|since| event.published >= since);
        retained && since && self.until.is_none_or(|until| event.published < until)
    }

    fn admits(&self, shape: &Value) -> bool {
        let filtered = self
            .filter
            .as_ref()
            .is_none_or(|filter| evaluate(filter, shape, Dialect::LogFilter));
        let text = || shape.to_string().to_lowercase();
        filtered
            && self
                .words
                .as_ref()
                .is_none_or(|words| words.split_whitespace().all(|word| text().contains(word)))
    }
}

fn time(call: &Call, name: &str) -> ApiResult<Option<Timestamp>> {
    call.parameter(name)
        .map(|text| {
            let refusal = |_| ApiError::validation(name, &format!("{name}: {text} is not a timestamp"));
            text.parse().map_err(refusal)
        })
        .transpose()
}
