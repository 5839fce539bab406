//! The table: every behaviour once, whatever the provider. What is done in each stands in the module that it names.

use crate::{
    cell::{Cell, Verdict},
    found, listed, lost, resets, trouble, unlocks,
};

/// A row.
pub struct Behaviour {
    /// What the test is called, and what the names of its requests and Directories begin with; 20 characters at most.
    pub name: &'static str,
    /// What the matrix says.
    pub text: &'static str,
    /// What is done and expected; panics where something else is seen.
    pub run: fn(&Cell) -> Verdict,
}

const fn row(name: &'static str, text: &'static str, run: fn(&Cell) -> Verdict) -> Behaviour {
    Behaviour { name, text, run }
}

/// Every row, in the order of the matrix.
#[rustfmt::skip] // One line a row.
pub const BEHAVIOURS: &[Behaviour] = &[
    row("found-by-login", "Found by login", found::by_login),
    row("found-by-id", "Found by the directory's own id", found::by_id),
    row("found-by-address", "Found by e-mail address, in any letter case", found::by_address),
    row("found-odd-names", "Found though the login is full of syntax", found::odd_names),
    row("nobody", "Nobody is found by a filter, a path or a query", found::nobody),
    row("ambiguous", "Two accounts with one address: neither is touched", found::ambiguous),
    row("protected", "A protected account is refused before any write", found::protected),
    row("own", "Nobody asks for their own account", found::own),
    row("unlock-locked", "Unlock: locked", unlocks::locked),
    row("unlock-not-locked", "Unlock: not locked, left alone", unlocks::not_locked),
    row("unlock-disabled", "Unlock: disabled and not locked, left alone", unlocks::disabled),
    row("unlock-locked-off", "Unlock: locked and disabled, refused", unlocks::locked_and_disabled),
    row("unlock-pipeline", "Unlock: by a pipeline, once however often created", unlocks::by_pipeline),
    row("locked-listed", "Locked: listed while it lasts", listed::while_locked),
    row("reset-link", "Reset: by a mailed link", resets::link),
    row("reset-temporary", "Reset: by a temporary password", resets::temporary_password),
    row("reset-must-change", "Reset: the owner must choose a new password", resets::must_change),
    row("reset-next-sign-in", "Reset: change at the next sign-in", resets::change_at_next_sign_in),
    row("reset-locked", "Reset: a locked account gets back in", resets::of_locked),
    row("reset-disabled", "Reset: a disabled account is refused", resets::of_disabled),
    row("reset-sessions", "Reset: open sessions end", resets::sessions),
    row("reset-recreated", "Reset: once, however often its manifest is created", resets::recreated),
    row("read-back", "Read back: an unlock that was confirmed and not done", lost::unlock_untrue),
    row("unlock-lost-before", "Unlock: the request is lost", lost::unlock_before),
    row("unlock-lost-after", "Unlock: the reply is lost", lost::unlock_after),
    row("unlock-late", "Unlock: committed late", lost::unlock_late),
    row("reset-lost-before", "Reset: the request is lost", lost::password_before),
    row("reset-lost-after", "Reset: the reply is lost", lost::password_after),
    row("reset-late", "Reset: committed late", lost::password_late),
    row("link-lost-after", "Link: the reply is lost", lost::link_after),
    row("busy", "The directory is busy: waits, then done", trouble::busy),
    row("rate-limit", "The Directory's rate limit is kept", trouble::budget),
    row("wrong-credential", "A wrong credential is tried once", trouble::wrong_credential),
];
