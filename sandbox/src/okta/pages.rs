//! The pages behind mailed links, where a person chooses a new password.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::logs::Event;
use super::org::{Context, Okta};
use super::user::{LinkKind, Status};
use crate::exchange::{Call, Reply};

/// How the use of a link ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum PageOutcome {
    /// The password was set.
    PasswordSet,
    /// The link is unknown, used, replaced or too old.
    LinkDead,
    /// The new password breaks these rules.
    NewPasswordRefused { rules: Vec<String> },
}

/// The token in the path of a link's page.
pub(super) fn token_of(path: &str) -> Option<&str> {
    let token = path
        .strip_prefix("/signin/reset-password/")
        .or_else(|| path.strip_prefix("/welcome/"))?;
    (!token.is_empty() && !token.contains('/')).then_some(token)
}

impl Okta {
    /// Uses a one-time link to set a password.
    pub fn use_link(&mut self, context: &mut Context, token: &str, new_password: &str) -> PageOutcome {
        let Some((user, link)) = self.holder_of(token).filter(|(_, link)| context.now < link.expires) else {
            return PageOutcome::LinkDead;
        };
        context.account = Some(user.id.clone());
        let rules = self.settings.password.complaints(new_password, user.text("login"));
        if !rules.is_empty() {
            return PageOutcome::NewPasswordRefused { rules };
        }
        let changed = self.edit(context, &user.id, |user, context| {
            user.links.clear();
            user.password.set(new_password, context.now, false);
            user.password_changed = Some(context.now);
            let leads_in = match link.kind {
                LinkKind::Reset => user.status == Status::Recovery,
                LinkKind::Activation => user.status == Status::Provisioned,
                LinkKind::Forgot => false,
            };
            if leads_in {
                user.enter(Status::Active, context.now);
            }
            Ok(user.clone())
        });
        let changed = changed.expect("the user was found under the same lock");
        self.record(
            context,
            &changed,
            Event::success("user.account.update_password", "User update password"),
        );
        PageOutcome::PasswordSet
    }

    /// Serves a link's page: a form on GET, the new password on POST (`newPassword`, as a form).
    pub(super) fn page(&mut self, call: &Call, context: &mut Context, token: &str) -> Reply {
        if call.method != Method::POST {
            let alive = self
                .holder_of(token)
                .is_some_and(|(_, link)| context.now < link.expires);
            let (status, text) = if alive {
                (StatusCode::OK, FORM)
            } else {
                (StatusCode::FORBIDDEN, DEAD)
            };
            return html(status, text);
        }
        let fields: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
        let chosen = fields
            .iter()
            .find(|(name, _)| name == "newPassword")
            .map(|(_, value)| value.as_str());
        match self.use_link(context, token, chosen.unwrap_or_default()) {
            PageOutcome::PasswordSet => html(StatusCode::OK, "<p>Your password was changed.</p>"),
            PageOutcome::LinkDead => html(StatusCode::FORBIDDEN, DEAD),
            PageOutcome::NewPasswordRefused { rules } => html(
                StatusCode::BAD_REQUEST,
                &format!("<p>The password needs {}.</p>", rules.join(", ")),
            ),
        }
    }
}

const FORM: &str = "<form method=\"post\"><label>New password <input type=\"password\" name=\"newPassword\"></label>\
                    <button>Change</button></form>";
const DEAD: &str = "<p>This link has expired or was used before.</p>";

fn html(status: StatusCode, text: &str) -> Reply {
    let mut reply = Reply::empty(status);
    reply
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    reply.body = format!("<!doctype html><title>Sandbox</title>{text}").into();
    reply
}
