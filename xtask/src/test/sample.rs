//! Which sample of the crash sweep a run holds: the eight in turn, chosen by the commit, so that it is the same wherever
//! that commit is tested.

use std::process::Command;

use testkit::workspace;

/// After so many commits every case has been run.
const SHARDS: u64 = 8;

/// A part of the sweep.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Below [`SHARDS`].
    pub(super) shard: u64,
    /// What is left to chance follows from it.
    pub(super) seed: u64,
}

/// That of the commit that is checked out; one and the same where there is no git.
pub(super) fn of_commit() -> Sample {
    // A shallow clone has always as many commits.
    let is_shallow = git(&["rev-parse", "--is-shallow-repository"]).is_some_and(|answer| answer.trim() == "true");
    let count = git(&["rev-list", "--count", "HEAD"]).filter(|_| !is_shallow);
    let hash = git(&["rev-parse", "HEAD"]);
    of(&count.unwrap_or_default(), &hash.unwrap_or_default())
}

fn of(count: &str, hash: &str) -> Sample {
    let digits = hash.get(..8).unwrap_or("1");
    let seed = u64::from_str_radix(digits, 16).unwrap_or(1);
    let number = count.trim().parse().unwrap_or(seed);
    Sample {
        shard: number % SHARDS,
        seed,
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(args)
        .current_dir(workspace::root())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_says_which() {
        let sample = of("435\n", "73de01ff290b5180edf1a0a0b946692e611619bd\n");
        assert_eq!(
            sample,
            Sample {
                shard: 3,
                seed: 0x73de_01ff
            }
        );
        let shallow = of("", "73de01ff290b5180edf1a0a0b946692e611619bd");
        assert_eq!((shallow.shard, shallow.seed), (7, 0x73de_01ff));
        assert_eq!(of("", ""), Sample { shard: 1, seed: 1 });
    }
}
