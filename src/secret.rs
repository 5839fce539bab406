//! Secrets in memory: wiped when dropped, and without Debug, Display or Serialize, so that none reaches a log by
//! accident. What is exposed must not be copied into anything that lives longer than the call it is made for.

use zeroize::Zeroizing;

/// A password, token or key as text.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a text.
    pub fn new(text: String) -> Self {
        Secret(Zeroizing::new(text))
    }

    /// The text itself. Every call of this is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
