//! Keeps Account objects for the accounts that a Directory lists as locked, where its spec asks for it. What is shown
//! is decided in `domain::lockouts`; here it is listed and written. Nothing is done to an account.

use super::{
    accounts::Stands,
    context::Context,
    directories::{self, Handle},
    lock_log::Follower,
    supervisor,
};
use crate::{
    api::directory::Lockouts,
    directory::{self, Call, Lane},
    domain::{
        account::{Failure, FailureClass, ReadFailure},
        lockouts::{self, Change, Locked, Shown, Source},
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The objects are read again after so long, so that what others did to them is put right.
const RELOAD: Duration = Duration::from_secs(600);
/// The most pages of one list: an upstream whose list never ends is left after so many.
const MOST_PAGES: usize = 1_000;

/// What the last list came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// How many accounts are shown as locked.
    pub locked: usize,
    /// The state, the reason and the message of condition LockoutsListed.
    pub condition: (&'static str, &'static str, String),
}

/// The objects as they are believed to stand, and since when.
struct Known {
    shown: Shown,
    since: Instant,
}

/// Keeps them for one Directory, until its spec changes or the operator stops.
pub async fn keep(context: Arc<Context>, handle: Arc<Handle>) {
    let (mut known, mut follower) = (None, Follower::default());
    while supervisor::leading(&context, &handle).await {
        let settings = handle.state().object.spec.lockouts.clone();
        let wait = match &settings {
            Some(settings) => {
                round(&context, &handle, settings, (&mut known, &mut follower)).await;
                directories::jittered(settings.poll.get().max(Duration::from_secs(1)))
            }
            None => match forget(&context, &handle).await {
                Ok(Stands::Yes) => return,
                Ok(Stands::Later) => RELOAD / 10,
                Err(error) => {
                    tracing::warn!(directory = handle.name, %error, "locked accounts are still shown; tried again");
                    RELOAD / 10
                }
            },
        };
        tokio::select! {
            () = handle.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Lists once and writes what changed.
async fn round(
    context: &Context,
    handle: &Handle,
    settings: &Lockouts,
    (known, follower): (&mut Option<Known>, &mut Follower),
) {
    let (upstream, identity) = {
        let state = handle.state();
        let usable = state.trouble.is_none() && state.object.spec.suspend != Some(true);
        (state.upstream.clone().filter(|_| usable), state.identity.clone())
    };
    // The Ready condition says why; what was shown stays until the Directory can be asked again.
    let Some(upstream) = upstream else { return };
    let source = Source {
        directory: &handle.name,
        provider: upstream.provider(),
        upstream: &identity,
        settings,
    };
    if known.as_ref().is_none_or(|known| known.since.elapsed() >= RELOAD) {
        match load(context, handle).await {
            Ok(shown) => {
                *known = Some(Known {
                    shown,
                    since: Instant::now(),
                });
            }
            Err(error) => {
                tracing::warn!(directory = handle.name, %error, "Account objects could not be listed; tried again");
                return;
            }
        }
    }
    follower.round(context, handle, upstream.as_ref()).await;
    let (shown, complete) = match list(context, handle, upstream.as_ref(), source).await {
        Ok(listed) => listed,
        Err(failure) => return trouble(context, handle, &failure),
    };
    let Some(believed) = known.as_mut() else { return };
    let changes = lockouts::changes(&believed.shown, &shown);
    let locked = shown.len();
    match write_all(context, handle, source, changes).await {
        Ok(Stands::Yes) => believed.shown = shown,
        Ok(Stands::Later) => *known = None,
        Err(error) => {
            *known = None;
            tracing::warn!(directory = handle.name, %error, "a locked account could not be shown; tried again");
        }
    }
    tell(
        handle,
        Listing {
            locked,
            condition: match complete {
                true => ("True", "Listed", "every locked account is shown".into()),
                false => (
                    "False",
                    "TooManyLocked",
                    format!(
                        "more than {} accounts are locked, and the others are not shown; raise spec.lockouts.max, and find \
                     out what locks so many",
                        settings.max
                    ),
                ),
            },
        },
    );
}

/// All that is locked, and whether that is all.
async fn list(
    context: &Context,
    handle: &Handle,
    upstream: &dyn directory::Directory,
    source: Source<'_>,
) -> Result<(Shown, bool), Failure> {
    let (mut shown, mut page) = (Shown::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let call = Call {
            lane: Lane::Background,
            // A list waits behind everything else, so it may take as long as until the next one.
            deadline: Instant::now() + source.settings.poll.get().max(context.config.timing.upstream_timeout),
        };
        let mut found = match upstream.locked(&call, page.as_deref()).await {
            Ok(found) => found,
            Err(ReadFailure::Failed(failure)) => return Err(failure),
            Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => {
                let text = "the list of locked accounts made no sense";
                return Err(Failure::new(FailureClass::Unknown, text));
            }
        };
        found
            .accounts
            .iter_mut()
            .for_each(|account| handle.locks().explain(account));
        if !lockouts::take(&mut shown, source, &found.accounts) {
            return Ok((shown, false));
        }
        match found.next {
            Some(next) => page = Some(next),
            None => return Ok((shown, true)),
        }
    }
    Ok((shown, false))
}

fn trouble(context: &Context, handle: &Handle, failure: &Failure) {
    if failure.class == FailureClass::CredentialRefused {
        context.directories.refuse(&handle.name, failure);
        return;
    }
    tracing::warn!(directory = handle.name, detail = failure.private, "{}", failure.public);
    let locked = handle.state().lockouts.as_ref().map_or(0, |listing| listing.locked);
    let reason = match failure.class {
        FailureClass::Permanent => "NotCapable",
        FailureClass::NeedsConfig => "NeedsConfiguration",
        _ => "Unavailable",
    };
    let message = format!("locked accounts could not be listed: {}", failure.public);
    tell(
        handle,
        Listing {
            locked,
            condition: ("False", reason, message),
        },
    );
}

/// Puts it down for the Directory's status, where it is news.
fn tell(handle: &Handle, listing: Listing) {
    let listing = Some(listing);
    let mut state = handle.state();
    if state.lockouts != listing {
        state.lockouts = listing;
        handle.nudged.notify_one();
    }
}

/// What stands in the cluster for this Directory.
async fn load(context: &Context, handle: &Handle) -> Result<Shown, kube::Error> {
    let accounts = context.accounts.listed_by(&handle.name).await?;
    let shown = accounts.into_iter().filter_map(|account| {
        let lockout = account
            .spec
            .lockout
            .filter(|lockout| lockout.directory == handle.name)?;
        let id = account.spec.id;
        // What an earlier process read of the log is known from here.
        if let (Some(since), Some(cause)) = (lockout.lock.since, &lockout.lock.cause) {
            handle.locks().recall(&id, since, cause);
        }
        Some((account.metadata.name?, Locked { id, lockout }))
    });
    Ok(shown.collect())
}

/// The spec asks for no list any more: nothing is shown as locked by it.
async fn forget(context: &Context, handle: &Handle) -> Result<Stands, kube::Error> {
    let mut stands = Stands::Yes;
    for name in load(context, handle).await?.into_keys() {
        stands = stands.and(context.accounts.clear_lockout(&name, &handle.name).await?);
    }
    Ok(stands)
}

async fn write_all(
    context: &Context,
    handle: &Handle,
    source: Source<'_>,
    changes: Vec<Change>,
) -> Result<Stands, kube::Error> {
    let mut stands = Stands::Yes;
    for change in changes {
        if handle.stop.is_cancelled() || !context.leadership.is_held() {
            return Ok(Stands::Later);
        }
        stands = stands.and(match change {
            Change::Clear(name) => context.accounts.clear_lockout(&name, &handle.name).await?,
            Change::Show(name, locked) => {
                let whose = (source.provider, source.upstream, locked.id.as_str());
                context.accounts.show_lockout(&name, whose, &locked.lockout).await?
            }
        });
    }
    Ok(stands)
}
