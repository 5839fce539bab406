//! Reading users: one by id or login, lists by `q`, `filter` and `search`, blocks, the caller's own user.

use std::sync::Arc;

use hyper::StatusCode;

use super::errors::{ApiError, ApiResult};
use super::evaluate::{evaluate, sort_key};
use super::expression::{self, Dialect, Expression};
use super::org::{Context, Okta};
use super::shapes::{self, Omit, Place};
use super::user::{Status, User};
use crate::exchange::{Call, Reply};

/// Most users on a page.
const MAX_PAGE: usize = 200;
/// Users on a page of a `q` search, unless told.
const Q_PAGE: usize = 10;

impl Okta {
    /// The user that a path names: by id, by login, or by the unambiguous part of a login before `@`.
    pub(super) fn resolve(&self, context: &mut Context, key: &str) -> ApiResult<Arc<User>> {
        let short = || {
            let mut matches = self.users.all().iter().filter(|user| {
                user.text("login")
                    .split_once('@')
                    .is_some_and(|(name, _)| name.eq_ignore_ascii_case(key))
            });
            matches.next().filter(|_| matches.next().is_none())
        };
        let user = self
            .stored(key)
            .or_else(short)
            .cloned()
            .ok_or_else(|| ApiError::not_found(key))?;
        context.account = Some(user.id.clone());
        Ok(user)
    }

    /// The user that a path names by id and nothing else.
    pub(super) fn resolve_id(&self, context: &mut Context, id: &str) -> ApiResult<Arc<User>> {
        let user = self.users.by_id(id).cloned().ok_or_else(|| ApiError::not_found(id))?;
        context.account = Some(user.id.clone());
        Ok(user)
    }

    pub(super) fn get_user(&self, call: &Call, context: &mut Context, key: &str) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        let user = match self.read_lag_ms() {
            0 => user,
            lag => self
                .as_known(&user, lag, context.now)
                .ok_or_else(|| ApiError::not_found(key))?,
        };
        let mut shape = shapes::user(self, &user, &call.base, Place::Single, omissions(call));
        match call.parameter("expand").as_deref() {
            None => {}
            Some("blocks") => shape.embed_blocks(),
            Some(other) => {
                return Err(ApiError::validation(
                    "expand",
                    &format!("expand: {other} is not supported"),
                ));
            }
        }
        Ok(Reply::json(StatusCode::OK, &shape).with_header("etag", &user.etag()))
    }

    pub(super) fn get_me(&self, call: &Call, context: &mut Context) -> ApiResult<Reply> {
        let id = context
            .caller_user()
            .ok_or_else(|| ApiError::not_found("me"))?
            .to_owned();
        self.get_user(call, context, &id)
    }

    pub(super) fn get_blocks(&self, context: &mut Context, key: &str) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        Ok(Reply::json(StatusCode::OK, &shapes::blocks(&user)))
    }

    pub(super) fn list_users(&self, call: &Call, context: &Context) -> ApiResult<Reply> {
        let selection = Selection::parse(call)?;
        let mut found = self.select(&selection, context);
        if let Some(attribute) = &selection.sort_by {
            found.sort_by_key(|user| sort_key(user, attribute));
            if selection.descending {
                found.reverse();
            }
        }
        let page: Vec<_> = found.iter().skip(selection.offset).take(selection.limit).collect();
        let end = selection.offset + page.len();
        let body: Vec<_> = page
            .iter()
            .map(|user| shapes::user(self, user, &call.base, Place::List, omissions(call)))
            .collect();
        let next = (end < found.len()).then(|| format!("{end}"));
        Ok(with_links(Reply::json(StatusCode::OK, &body), call, next.as_deref()))
    }

    fn select(&self, selection: &Selection, context: &Context) -> Vec<Arc<User>> {
        let lagging = matches!(selection.criterion, Criterion::Search(_)) && self.settings.search_lag_ms > 0;
        if let (Criterion::Search(expression) | Criterion::Filter(expression), false) = (&selection.criterion, lagging)
        {
            // The common look-up by login does not have to visit every user.
            if let Some(login) = expression.sole_equality("profile.login") {
                let found = self
                    .users
                    .by_login(login)
                    .filter(|user| selection.criterion.admits(user));
                return found.cloned().into_iter().collect();
            }
        }
        let visible = |user: &Arc<User>| {
            if lagging {
                self.as_known(user, self.settings.search_lag_ms, context.now)
            } else {
                Some(Arc::clone(user))
            }
        };
        self.users
            .all()
            .iter()
            .filter_map(visible)
            .filter(|user| selection.criterion.admits(user))
            .collect()
    }

    /// The state of a user that something knows which is so many milliseconds behind: the one before any change within
    /// them.
    fn as_known(&self, user: &Arc<User>, lag: u64, now: jiff::Timestamp) -> Option<Arc<User>> {
        let lag = i64::try_from(lag).unwrap_or(i64::MAX / 1000);
        let horizon = now - jiff::SignedDuration::from_millis(lag);
        let states = self.former.get(&user.id);
        match states.and_then(|states| states.iter().find(|(replaced, _)| *replaced > horizon)) {
            Some((_, earlier)) => earlier.clone(),
            None => Some(Arc::clone(user)),
        }
    }
}

/// Which users a list asks for.
#[derive(Debug)]
enum Criterion {
    Plain,
    Query(String),
    Filter(Expression),
    Search(Expression),
}

impl Criterion {
    fn admits(&self, user: &User) -> bool {
        match self {
            Self::Plain => user.status != Status::Deprovisioned,
            Self::Query(text) => {
                let starts = |name: &str| user.text(name).to_lowercase().starts_with(&text.to_lowercase());
                user.status != Status::Deprovisioned && ["firstName", "lastName", "email"].into_iter().any(starts)
            }
            Self::Filter(expression) => evaluate(expression, user, Dialect::UserFilter),
            Self::Search(expression) => evaluate(expression, user, Dialect::UserSearch),
        }
    }
}

#[derive(Debug)]
struct Selection {
    criterion: Criterion,
    offset: usize,
    limit: usize,
    sort_by: Option<String>,
    descending: bool,
}

impl Selection {
    fn parse(call: &Call) -> ApiResult<Self> {
        let (q, filter, search) = (call.parameter("q"), call.parameter("filter"), call.parameter("search"));
        let is_query = q.is_some();
        if filter.is_some() && (is_query || search.is_some()) {
            return Err(ApiError::new("E0000033"));
        }
        let criterion = match (search, filter, q) {
            (Some(text), ..) => Criterion::Search(expression::parse(&text, Dialect::UserSearch)?),
            (None, Some(text), _) => Criterion::Filter(expression::parse(&text, Dialect::UserFilter)?),
            (None, None, Some(text)) => Criterion::Query(text),
            (None, None, None) => Criterion::Plain,
        };
        let sort_by = match (&criterion, call.parameter("sortBy")) {
            (Criterion::Search(_), by) => by,
            (_, by) => by.filter(|_| false),
        };
        Ok(Self {
            criterion,
            offset: cursor(call)?,
            limit: page_size(call, if is_query { Q_PAGE } else { MAX_PAGE })?.min(MAX_PAGE),
            sort_by,
            descending: call
                .parameter("sortOrder")
                .is_some_and(|order| order.eq_ignore_ascii_case("desc")),
        })
    }
}

/// The `limit` parameter.
pub(super) fn page_size(call: &Call, default: usize) -> ApiResult<usize> {
    match call.parameter("limit") {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| ApiError::validation("limit", "limit: must be a positive number")),
    }
}

/// The position in the opaque `after` parameter.
pub(super) fn cursor(call: &Call) -> ApiResult<usize> {
    match cursor_text(call)? {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| invalid_cursor()),
    }
}

/// What the opaque `after` parameter carries.
pub(super) fn cursor_text(call: &Call) -> ApiResult<Option<String>> {
    let Some(after) = call.parameter("after") else {
        return Ok(None);
    };
    let bytes = data_encoding::BASE64URL_NOPAD
        .decode(after.as_bytes())
        .map_err(|_| invalid_cursor())?;
    String::from_utf8(bytes).map(Some).map_err(|_| invalid_cursor())
}

pub(super) fn invalid_cursor() -> ApiError {
    ApiError::validation("after", "after: the cursor is not valid")
}

/// Adds the two `Link` headers, `self` and, where there is another page, `next`.
pub(super) fn with_links(reply: Reply, call: &Call, next: Option<&str>) -> Reply {
    let address = format!("{}{}", call.base, call.path);
    let query = if call.query.is_empty() {
        String::new()
    } else {
        format!("?{}", call.query)
    };
    let reply = reply.with_header("link", &format!("<{address}{query}>; rel=\"self\""));
    let Some(position) = next else { return reply };
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    // A cursor already carries where to start.
    let kept = call
        .parameters()
        .into_iter()
        .filter(|(name, _)| !["after", "since"].contains(&name.as_str()));
    parameters.extend_pairs(kept);
    parameters.append_pair("after", &data_encoding::BASE64URL_NOPAD.encode(position.as_bytes()));
    reply.with_header("link", &format!("<{address}?{}>; rel=\"next\"", parameters.finish()))
}

fn omissions(call: &Call) -> Omit {
    let headers = [call.header("accept"), call.header("content-type")];
    headers
        .into_iter()
        .flatten()
        .find(|value| value.contains("okta-response"))
        .map(Omit::parse)
        .unwrap_or_default()
}
