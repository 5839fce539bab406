//! Partial update and replacement of a user: profile, login, password set by an administrator, recovery question.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::auth::Right;
use super::errors::{ApiError, ApiResult};
use super::logs::Event;
use super::org::{Context, Okta};
use super::quirks::Quirk;
use super::shapes::{self, Omit, Place};
use super::user::{ProviderType, Status, User};
use crate::exchange::{Call, Reply};
use crate::quirks::Quirks;

/// Attributes of the base profile schema.
const BASE_ATTRIBUTES: [&str; 31] = [
    "login",
    "email",
    "secondEmail",
    "firstName",
    "lastName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
    "title",
    "displayName",
    "nickName",
    "profileUrl",
    "primaryPhone",
    "mobilePhone",
    "streetAddress",
    "city",
    "state",
    "zipCode",
    "countryCode",
    "postalAddress",
    "preferredLanguage",
    "locale",
    "timezone",
    "userType",
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
    "managerId",
    "manager",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UpdateBody {
    profile: Option<Map<String, Value>>,
    credentials: Option<CredentialsBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CredentialsBody {
    password: Option<PasswordBody>,
    recovery_question: Option<QuestionBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PasswordBody {
    pub(super) value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct QuestionBody {
    question: String,
    answer: String,
}

/// Parses a JSON body.
pub(super) fn body<'a, T: Deserialize<'a>>(call: &'a Call) -> ApiResult<T> {
    serde_json::from_slice(&call.body).map_err(|error| ApiError::new("E0000003").because(error.to_string()))
}

/// A boolean query parameter.
pub(super) fn flag(call: &Call, name: &str) -> ApiResult<Option<bool>> {
    match call.parameter(name).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(ApiError::validation(name, &format!("{name}: {other} is not a boolean"))),
    }
}

/// Refuses to touch a user whose asynchronous transition is running.
pub(super) fn require_settled(user: &User) -> ApiResult<()> {
    if user.transition.is_some() {
        Err(ApiError::new("E0000112"))
    } else {
        Ok(())
    }
}

impl Okta {
    pub(super) fn update_user(
        &mut self,
        call: &Call,
        context: &mut Context,
        key: &str,
        replace: bool,
    ) -> ApiResult<Reply> {
        let user = self.resolve(context, key)?;
        let update: UpdateBody = body(call)?;
        let strict = flag(call, "strict")?.unwrap_or(false);
        self.permit_update(context, &user, &update)?;
        if let Some(tag) = call.header("if-match").filter(|tag| *tag != "*" && *tag != user.etag()) {
            let refusal = ApiError::validation("If-Match", &format!("If-Match: {tag} is not the current version"));
            return Err(refusal.with_status(StatusCode::PRECONDITION_FAILED));
        }
        require_settled(&user)?;
        let profile = self.new_profile(&user, update.profile.as_ref(), replace)?;
        let credentials = update.credentials.unwrap_or_default();
        let value = credentials.password.and_then(|password| password.value);
        let question = credentials
            .recovery_question
            .map(|asked| (asked.question, asked.answer));
        if let Some(value) = &value {
            self.check_settable(&user)?;
            self.check_password(&user, value, strict, context)?;
        }
        let quirks = self.settings.quirks.clone();
        let changed = self.edit(context, &user.id, |user, context| {
            if let Some(profile) = profile {
                user.profile = profile;
            }
            if let Some(value) = &value {
                set_by_admin(user, value, context, &quirks);
            }
            if question.is_some() {
                user.recovery_question = question;
            }
            Ok(user.clone())
        })?;
        if changed.profile != user.profile {
            self.record(
                context,
                &changed,
                Event::success("user.account.update_profile", "Update user profile"),
            );
        }
        if value.is_some() {
            self.record(
                context,
                &changed,
                Event::success("user.account.update_password", "Update user password"),
            );
        }
        let shape = shapes::user(
            self,
            self.user(&user.id).unwrap_or(&changed),
            &call.base,
            Place::Single,
            Omit::default(),
        );
        Ok(Reply::json(StatusCode::OK, &shape))
    }

    fn permit_update(&self, context: &Context, user: &User, update: &UpdateBody) -> ApiResult<()> {
        let caller = context.caller.as_ref().ok_or_else(|| ApiError::new("E0000006"))?;
        if update.profile.is_some() || update.credentials.is_none() {
            caller.require(Right::EditProfiles)?;
        }
        if update.credentials.is_some() {
            caller.require(Right::SetPasswords)?;
        }
        caller.require_over(user)
    }

    /// The profile after the update, none where it does not change.
    fn new_profile(
        &self,
        user: &User,
        given: Option<&Map<String, Value>>,
        replace: bool,
    ) -> ApiResult<Option<Map<String, Value>>> {
        let Some(given) = given else {
            let missing = || ApiError::validation("profile", "profile: the field cannot be left blank");
            return if replace { Err(missing()) } else { Ok(None) };
        };
        if let Some(name) = given.keys().find(|name| !self.is_attribute(name)) {
            return Err(ApiError::validation(
                name,
                &format!("{name}: not part of the profile schema"),
            ));
        }
        let mut profile = if replace { Map::new() } else { user.profile.clone() };
        for (name, value) in given {
            if value.is_null() {
                profile.remove(name)
            } else {
                profile.insert(name.clone(), value.clone())
            };
        }
        if profile == user.profile {
            return Ok(None);
        }
        if user.profile_mastered {
            let e111 = self.has(Quirk::DirectoryProfileE0000111);
            return Err(ApiError::new(if e111 { "E0000111" } else { "E0000023" }));
        }
        self.check_profile(user, &profile)?;
        // A deactivated user's profile is left as it was, and the answer is still 200.
        let frozen = user.status == Status::Deprovisioned && !self.has(Quirk::EditDeprovisioned);
        Ok((!frozen).then_some(profile))
    }

    fn is_attribute(&self, name: &str) -> bool {
        BASE_ATTRIBUTES.contains(&name) || self.custom_attributes.contains(name)
    }

    fn check_profile(&self, user: &User, profile: &Map<String, Value>) -> ApiResult<()> {
        let text = |name: &str| profile.get(name).and_then(Value::as_str).unwrap_or_default();
        for name in ["login", "email"] {
            let length = text(name).chars().count();
            if !(5..=100).contains(&length) {
                return Err(ApiError::validation(
                    name,
                    &format!("{name}: must be 5 to 100 characters long"),
                ));
            }
        }
        let is_mail = |value: &str| {
            value
                .split_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && host.len() > 2)
        };
        if !is_mail(text("login")) && !self.has(Quirk::RelaxedLogin) {
            return Err(ApiError::validation(
                "login",
                "login: Username must be in the form of an email address",
            ));
        }
        if !is_mail(text("email")) {
            return Err(ApiError::validation("email", "email: Does not match required pattern"));
        }
        let holder = self.users.by_login(text("login"));
        if holder.is_some_and(|holder| holder.id != user.id) {
            let cause = "login: An object with this field already exists in the current organization";
            return Err(ApiError::validation("login", cause));
        }
        Ok(())
    }

    /// Refuses where an administrator cannot set a password.
    fn check_settable(&self, user: &User) -> ApiResult<()> {
        match user.provider.kind {
            ProviderType::Federation | ProviderType::Social => return Err(ApiError::new("E0000041")),
            kind if kind.is_directory() && self.has(Quirk::DirectoryAgentDown) => {
                return Err(ApiError::new("E0000014").because("the directory agent is not connected"));
            }
            _ => {}
        }
        if user.status == Status::Deprovisioned {
            Err(ApiError::new("E0000038"))
        } else {
            Ok(())
        }
    }

    /// Checks a new password: complexity always, history and minimum age where `strict`.
    pub(super) fn check_password(&self, user: &User, value: &str, strict: bool, context: &Context) -> ApiResult<()> {
        let policy = &self.settings.password;
        let mut complaints = policy.complaints(value, user.text("login"));
        if strict && user.password.was_used(value, policy) {
            complaints.push("a password that was not used before".into());
        }
        if strict && user.password.is_too_fresh(policy, context.now) {
            complaints.push(format!(
                "an age of {} minutes of the present one",
                policy.min_age_minutes
            ));
        }
        if complaints.is_empty() {
            return Ok(());
        }
        let mut error = ApiError::new("E0000080");
        error.causes = complaints
            .into_iter()
            .map(|rule| format!("Password requirements: {rule}"))
            .collect();
        Err(error)
    }
}

fn set_by_admin(user: &mut User, value: &str, context: &Context, quirks: &Quirks<Quirk>) {
    user.password.set(value, context.now, false);
    if !quirks.has(Quirk::AdminSetKeepsPasswordChanged) {
        user.password_changed = Some(context.now);
    }
    match user.status {
        Status::PasswordExpired => user.enter(Status::Active, context.now),
        Status::Recovery if !quirks.has(Quirk::SetPasswordKeepsRecovery) => {
            user.links.clear();
            user.enter(Status::Active, context.now);
        }
        Status::LockedOut if quirks.has(Quirk::SetPasswordUnlocks) => {
            user.lockout.clear();
            user.enter(Status::Active, context.now);
        }
        _ => {}
    }
}
