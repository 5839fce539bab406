//! One-time links for reset, forgotten password and activation.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::org::Okta;
use super::user::{LinkKind, OneTimeLink, User};

/// The page that a reset link leads to.
pub(super) fn reset_address(base: &str, token: &str) -> String {
    format!("{base}/signin/reset-password/{token}")
}

impl User {
    /// Adds a link; earlier ones die unless they are to be kept.
    pub(super) fn add_link(&mut self, token: &str, kind: LinkKind, expires: Timestamp, keep: bool) {
        if !keep {
            self.links.clear();
        }
        self.links.push(OneTimeLink {
            token: token.to_owned(),
            kind,
            expires,
        });
    }
}

impl Okta {
    /// When a link issued now stops being good.
    pub(super) fn link_expiry(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_secs(i64::try_from(self.settings.link_seconds).unwrap_or(3600))
    }

    /// The user to whom an outstanding link belongs, and the link.
    pub(super) fn holder_of(&self, token: &str) -> Option<(Arc<User>, OneTimeLink)> {
        self.users.all().iter().find_map(|user| {
            let link = user.links.iter().find(|link| link.token == token)?;
            Some((Arc::clone(user), link.clone()))
        })
    }
}
