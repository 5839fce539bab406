//! The mark that a write leaves in a ticket, and what a ticket's `correlation_id` says by it. Pure.

use crate::domain::account::{Failure, FailureClass};

/// Which write of which request: the same one for a retry, a higher number for the request's next write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    request: String,
    number: u32,
}

/// What a ticket's `correlation_id` says about a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was done, or a later one of the same request was.
    Done,
    /// It was announced, and not done.
    Begun,
    /// The field is free, or holds an earlier write of the same request.
    Free,
    /// Another request, or another product, uses it.
    Foreign,
}

impl Mark {
    /// The mark of one write. `request` is the request's uid.
    ///
    /// # Errors
    /// `Permanent` where that is no uid.
    pub fn new(request: &str, number: u32) -> Result<Self, Failure> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if request.is_empty() || request.len() > 64 || !request.bytes().all(plain) {
            return Err(Failure::new(
                FailureClass::Permanent,
                "a ticket is marked with a request's uid only",
            ));
        }
        Ok(Mark {
            request: request.to_owned(),
            number,
        })
    }

    /// How it is written.
    pub(super) fn text(&self) -> String {
        format!("readmit.{}.{}", self.request, self.number)
    }

    /// How it is written before the note that carries it.
    pub(super) fn announcement(&self) -> String {
        format!("{}.begun", self.text())
    }

    /// What a `correlation_id` says about this write.
    pub(super) fn standing(&self, correlation: &str) -> Standing {
        if correlation.is_empty() {
            return Standing::Free;
        }
        let Some(rest) = correlation.strip_prefix(&format!("readmit.{}.", self.request)) else {
            return Standing::Foreign;
        };
        let (number, begun) = match rest.strip_suffix(".begun") {
            Some(number) => (number, true),
            None => (rest, false),
        };
        match number.parse::<u32>() {
            Ok(number) if number == self.number && begun => Standing::Begun,
            Ok(number) if number >= self.number => Standing::Done,
            Ok(_) => Standing::Free,
            Err(_) => Standing::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_correlation_says() {
        let mark = Mark::new("9d0c-1", 2).unwrap();
        for (correlation, standing) in [
            ("", Standing::Free),
            ("readmit.9d0c-1.1", Standing::Free),
            ("readmit.9d0c-1.1.begun", Standing::Free),
            ("readmit.9d0c-1.2", Standing::Done),
            ("readmit.9d0c-1.2.begun", Standing::Begun),
            ("readmit.9d0c-1.3", Standing::Done),
            ("readmit.9d0c-1.3.begun", Standing::Done),
            ("readmit.9d0c-12.2", Standing::Foreign),
            ("MON-4711", Standing::Foreign),
            ("readmit.9d0c-1.x", Standing::Foreign),
        ] {
            assert_eq!(mark.standing(correlation), standing, "{correlation:?}");
        }
        assert!(Mark::new("a^b", 1).is_err() && Mark::new("", 1).is_err());
    }
}
