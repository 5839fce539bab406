//! Follows an upstream's log of locks, so that a status can say why an account is locked. What the events mean for an
//! account is decided in `domain::lock_log`; here pages are read and the place where to go on is kept.
//!
//! The log is followed only for a Directory with `spec.lockouts`: it costs calls, and what it adds is for people who look at
//! locks. Without the right to read it everything else works as before.

use super::{
    context::Context,
    directories::{Handle, State},
};
use crate::{
    api::directory::LogMark,
    clock,
    directory::{self, Call, Lane, LogStart},
    domain::account::{Failure, FailureClass},
};
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// How far a log that was not followed yet is read back.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// The most pages of one round; the next round goes on.
const MOST_PAGES: usize = 20;
/// After a refusal that an administrator must mend the log is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(300);
/// The place is written at most so often, and only where there was something new.
const WRITTEN: Duration = Duration::from_secs(30);
/// The longest cursor that is kept in the status, in characters; with a longer one a restart reads back again.
const LONGEST_CURSOR: usize = 4096;

/// Where one Directory's log is followed.
#[derive(Default)]
pub struct Follower {
    cursor: Option<String>,
    /// The place is further than what was put down for the status, for so long.
    unwritten: bool,
    written: Option<Instant>,
    not_before: Option<Instant>,
    /// The upstream has no log that tells of locks.
    absent: bool,
}

impl Follower {
    /// Reads what is new, and puts down in the state what is to be told.
    pub async fn round(&mut self, context: &Context, handle: &Handle, upstream: &dyn directory::Directory) {
        if self.absent || self.not_before.is_some_and(|at| Instant::now() < at) {
            return;
        }
        if self.cursor.is_none() {
            self.cursor = handle.state().lock_log.mark.as_ref().map(|mark| mark.cursor.clone());
        }
        let told = match self.read(context, handle, upstream).await {
            Ok(true) => (
                "True",
                "LogRead",
                "locks are explained by the upstream's log".to_owned(),
            ),
            Ok(false) => {
                self.absent = true;
                return;
            }
            Err(failure) => self.trouble(context, handle, &failure),
        };
        let mark = self.mark();
        let mut state = handle.state();
        let news = state.lock_log.told.as_ref() != Some(&told) || mark.is_some();
        state.lock_log.told = Some(told);
        if mark.is_some() {
            state.lock_log.mark = mark;
        }
        if news {
            handle.nudged.notify_one();
        }
    }

    /// Reads page after page; `false` where there is no such log.
    async fn read(
        &mut self,
        context: &Context,
        handle: &Handle,
        upstream: &dyn directory::Directory,
    ) -> Result<bool, Failure> {
        for _ in 0..MOST_PAGES {
            let call = Call {
                lane: Lane::Background,
                deadline: Instant::now() + context.config.timing.upstream_timeout,
            };
            let start = match &self.cursor {
                Some(cursor) => LogStart::After(cursor),
                None => LogStart::Since(clock::now().saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN)),
            };
            let page = match upstream.lock_log(&call, start).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(false),
                // The cursor is of no use any more: what was missed is found by reading back.
                Err(failure) if failure.class == FailureClass::Permanent && self.cursor.is_some() => {
                    tracing::warn!(
                        directory = handle.name,
                        detail = failure.private,
                        "the log is read back anew"
                    );
                    self.cursor = None;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let news = handle.locks().learn(page.events);
            if news > 0 || self.cursor.is_none() {
                tracing::debug!(directory = handle.name, news, "the log told of locks");
                self.unwritten = true;
            }
            self.cursor = Some(page.cursor);
            if !page.more {
                break;
            }
        }
        Ok(true)
    }

    fn trouble(
        &mut self,
        context: &Context,
        handle: &Handle,
        failure: &Failure,
    ) -> (&'static str, &'static str, String) {
        tracing::warn!(directory = handle.name, detail = failure.private, "{}", failure.public);
        let reason = match failure.class {
            FailureClass::CredentialRefused => {
                context.directories.refuse(&handle.name, failure);
                "Unavailable"
            }
            FailureClass::NeedsConfig => {
                self.not_before = Some(Instant::now() + LEFT_ALONE);
                "MissingRights"
            }
            _ => "Unavailable",
        };
        let message = format!(
            "why accounts are locked is not known: {}; nothing else depends on it",
            failure.public
        );
        ("False", reason, message)
    }

    /// The place to be told, where it is time to.
    fn mark(&mut self) -> Option<LogMark> {
        if !self.unwritten || self.written.is_some_and(|written| written.elapsed() < WRITTEN) {
            return None;
        }
        let cursor = self.cursor.clone().filter(|cursor| cursor.len() <= LONGEST_CURSOR)?;
        (self.unwritten, self.written) = (false, Some(Instant::now()));
        let now = clock::now();
        let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Some(LogMark { cursor, time })
    }
}

/// What is told of a Directory's log.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The state, the reason and the message of condition LockCausesKnown.
    pub told: Option<(&'static str, &'static str, String)>,
    /// Where the log goes on.
    pub mark: Option<LogMark>,
}

impl Told {
    /// What an earlier process, or this one before the spec changed, had come to.
    pub fn before(before: Option<&State>, status: Option<&LogMark>) -> Self {
        let mark = before.and_then(|before| before.lock_log.mark.clone());
        Told {
            told: None,
            mark: mark.or_else(|| status.cloned()),
        }
    }
}
