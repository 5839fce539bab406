//! The keys that temporary passwords are derived from: one a day, in an immutable Secret with a dated name.
//!
//! A key is kept until 48 hours after its day began, so that a password can be derived again for every claim of at
//! least the last 24 hours; then it is destroyed, and with it what those passwords could be found out from. No key is
//! ever logged, and none is replaced: a key that is gone is an answer.

use crate::{
    api::common::SecretKeyRef,
    failpoint::{self, Place},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions},
    core::PartialObjectMeta,
};
use rand::{TryRngCore, rngs::OsRng};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use tracing::info;
use zeroize::Zeroizing;

/// What the names of day keys begin with.
pub const PREFIX: &str = "readmit-day-key-";
/// The label of day keys.
pub const LABEL: &str = "readmit.dev/day-key";
/// How long after the beginning of its day (UTC) a key is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(48);
/// The key within the Secret.
const DATA_KEY: &str = "key";

/// 32 random bytes, wiped when the last copy is dropped. Without Debug, Display and Serialize.
#[derive(Clone)]
pub struct DayKey(Arc<Zeroizing<[u8; 32]>>);

/// Why a key could not be had. Worth trying again, but for `Malformed`.
#[derive(Debug, thiserror::Error)]
pub enum DayKeyError {
    /// The API server refused or did not answer.
    #[error("cannot {doing} Secret {name}")]
    Api {
        /// The verb.
        doing: &'static str,
        /// The Secret.
        name: String,
        /// What the API server said.
        #[source]
        source: Box<kube::Error>,
    },
    /// The Secret is not one of ours.
    #[error("Secret {name} {problem}; delete it: passwords derived from it can then not be derived again")]
    Malformed {
        /// The Secret.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A claim that names something else as its key.
    #[error("{0:?} is not the name of a day key")]
    NotADayKey(String),
    /// The system has no randomness.
    #[error("the system gave no random bytes")]
    Random,
}

/// The day keys in the operator's namespace.
pub struct DayKeys {
    secrets: Api<Secret>,
    known: RwLock<BTreeMap<String, DayKey>>,
    /// Only one task at a time creates or reads: at midnight all want the same new key.
    turn: tokio::sync::Mutex<()>,
}

impl DayKey {
    /// The bytes. Every call of this is a place to review.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl DayKeys {
    /// Reads and writes Secrets in this namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        DayKeys {
            secrets: Api::namespaced(client, namespace),
            known: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The key of the day, created where there is none yet, and what a claim refers to it by.
    ///
    /// # Errors
    /// See [`DayKeyError`].
    pub async fn current(&self, now: Timestamp) -> Result<(SecretKeyRef, DayKey), DayKeyError> {
        let name = name(now);
        let key = match self.get(&name).await? {
            Some(key) => key,
            None => self.create(&name).await?,
        };
        let reference = SecretKeyRef {
            name,
            key: Some(DATA_KEY.into()),
        };
        Ok((reference, key))
    }

    /// The key of this name; `None` where it is gone for good.
    ///
    /// # Errors
    /// See [`DayKeyError`].
    pub async fn get(&self, name: &str) -> Result<Option<DayKey>, DayKeyError> {
        if day(name).is_none() {
            return Err(DayKeyError::NotADayKey(name.chars().take(80).collect()));
        }
        if let Some(key) = self.remembered(name) {
            return Ok(Some(key));
        }
        let _turn = self.turn.lock().await;
        if let Some(key) = self.remembered(name) {
            return Ok(Some(key));
        }
        self.read(name).await
    }

    /// Destroys the keys that are past their time, here and in the API server, and returns how many there were.
    ///
    /// # Errors
    /// At the first one that cannot be deleted; the rest is for the next sweep.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, DayKeyError> {
        self.write_known().retain(|name, _| !is_past(name, now));
        // Names and uids only: the keys themselves stay where they are.
        let listed = self.secrets.list_metadata(&ListParams::default().labels(LABEL)).await;
        let listed = listed.map_err(DayKeyError::api("list", LABEL))?;
        let mut deleted = 0;
        for secret in listed.items.iter().filter(|secret| is_past(&secret.name_any(), now)) {
            self.delete(secret).await?;
            deleted += 1;
        }
        Ok(deleted)
    }

    async fn delete(&self, secret: &PartialObjectMeta<Secret>) -> Result<(), DayKeyError> {
        let name = secret.name_any();
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: secret.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match failpoint::around(Place::DayKeyDelete, self.secrets.delete(&name, &params)).await {
            Ok(_) => info!(secret = name, "destroyed a day key that is past its time"),
            // Somebody else did, or it is another one by now.
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(error) => return Err(DayKeyError::api("delete", &name)(error)),
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<DayKey>, DayKeyError> {
        match self
            .secrets
            .get_opt(name)
            .await
            .map_err(DayKeyError::api("get", name))?
        {
            Some(secret) => self.remember(name, secret).map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, name: &str) -> Result<DayKey, DayKeyError> {
        let _turn = self.turn.lock().await;
        if let Some(key) = self.remembered(name) {
            return Ok(key);
        }
        let secret = new_secret(name)?;
        let params = PostParams::default();
        match failpoint::around(Place::DayKeyCreate, self.secrets.create(&params, &secret)).await {
            Ok(created) => {
                info!(secret = name, "created the key of the day");
                self.remember(name, created)
            }
            // Another replica was faster, or this very call landed at an earlier try: the one that is there counts.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let found = self.secrets.get(name).await.map_err(DayKeyError::api("get", name))?;
                self.remember(name, found)
            }
            Err(error) => Err(DayKeyError::api("create", name)(error)),
        }
    }

    fn remember(&self, name: &str, secret: Secret) -> Result<DayKey, DayKeyError> {
        let key = parse(name, secret)?;
        self.write_known().insert(name.to_owned(), key.clone());
        Ok(key)
    }

    fn remembered(&self, name: &str) -> Option<DayKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    fn write_known(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, DayKey>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DayKeyError {
    fn api(doing: &'static str, name: &str) -> impl FnOnce(kube::Error) -> DayKeyError {
        let name = name.to_owned();
        move |source| DayKeyError::Api {
            doing,
            name,
            source: Box::new(source),
        }
    }
}

fn name(now: Timestamp) -> String {
    format!("{PREFIX}{}", now.to_zoned(TimeZone::UTC).date())
}

/// The day that a name stands for; only names that this module makes have one.
fn day(name: &str) -> Option<Date> {
    let text = name.strip_prefix(PREFIX)?;
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

/// Whether a key of this name is past its time. A name that says no day is left alone.
fn is_past(name: &str, now: Timestamp) -> bool {
    day(name)
        .and_then(|day| day.to_zoned(TimeZone::UTC).ok())
        .is_some_and(|begun| now.duration_since(begun.timestamp()) > KEPT)
}

fn new_secret(name: &str) -> Result<Secret, DayKeyError> {
    let mut bytes = Zeroizing::new(vec![0u8; 32]);
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| DayKeyError::Random)?;
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([(LABEL.to_owned(), String::new())].into()),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        data: Some([(DATA_KEY.to_owned(), ByteString(bytes.to_vec()))].into()),
        type_: Some("readmit.dev/day-key".to_owned()),
        ..Secret::default()
    })
}

/// Only a Secret that cannot change may be used: a claim must find the same key again.
fn parse(name: &str, secret: Secret) -> Result<DayKey, DayKeyError> {
    let malformed = |problem| DayKeyError::Malformed {
        name: name.to_owned(),
        problem,
    };
    if secret.immutable != Some(true) {
        return Err(malformed("is not immutable"));
    }
    let bytes = secret.data.unwrap_or_default().remove(DATA_KEY).map(|data| data.0);
    let bytes = Zeroizing::new(bytes.unwrap_or_default());
    let key: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| malformed("does not hold 32 bytes under \"key\""))?;
    Ok(DayKey(Arc::new(Zeroizing::new(key))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_dated_in_utc() {
        assert_eq!(name(at("2026-11-22T23:59:59Z")), "readmit-day-key-2026-11-22");
        assert_eq!(name(at("2026-11-22T23:59:59-05:00")), "readmit-day-key-2026-11-23");
        for text in [
            "okta",
            "readmit-day-key-",
            "readmit-day-key-20261122",
            "readmit-day-key-2026-11-22x",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
        assert!(day("readmit-day-key-2026-11-22").is_some());
    }

    #[test]
    fn keys_are_past_48_hours_after_their_day_began() {
        let key = "readmit-day-key-2026-11-20";
        assert!(!is_past(key, at("2026-11-22T00:00:00Z")));
        assert!(is_past(key, at("2026-11-22T00:00:01Z")));
        assert!(!is_past(key, at("2026-11-19T00:00:00Z")));
        assert!(!is_past("okta", at("2030-01-01T00:00:00Z")));
    }

    #[test]
    fn new_keys_are_random_immutable_and_readable() {
        let name = "readmit-day-key-2026-11-22";
        let (one, two) = (new_secret(name).unwrap(), new_secret(name).unwrap());
        assert_eq!(one.immutable, Some(true));
        let (one, two) = (parse(name, one).ok().unwrap(), parse(name, two).ok().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_ne!(one.expose(), &[0; 32]);
    }

    #[test]
    fn foreign_secrets_are_refused() {
        let name = "readmit-day-key-2026-11-22";
        let mut changeable = new_secret(name).unwrap();
        changeable.immutable = None;
        let mut short = new_secret(name).unwrap();
        short.data = Some([("key".to_owned(), ByteString(vec![1; 31]))].into());
        let mut empty = new_secret(name).unwrap();
        empty.data = None;
        for (secret, text) in [(changeable, "not immutable"), (short, "32 bytes"), (empty, "32 bytes")] {
            let error = parse(name, secret).err().unwrap().to_string();
            assert!(error.contains(name) && error.contains(text), "{error}");
        }
    }
}
