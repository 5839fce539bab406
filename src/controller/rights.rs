//! What a requester may do, asked of the API server by SubjectAccessReview with the stamped identity. Answers are kept
//! for ten seconds at most, so that a right that was taken away is gone when it comes to acting.

use crate::api::{GROUP, Requester};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const KEPT: Duration = Duration::from_secs(10);
const MOST: usize = 4096;

/// Asks for rights, and remembers the answers for a moment.
pub struct Rights {
    reviews: Api<SubjectAccessReview>,
    answers: Mutex<HashMap<u64, (Instant, bool)>>,
    /// With keys of this process alone: who picks a name cannot aim at somebody else's answer.
    hashing: RandomState,
    kept: Duration,
}

impl Rights {
    /// Asks through this client. Answers are kept no longer than until the next question about the same is due.
    pub fn new(client: Client, recheck: Duration) -> Self {
        Rights {
            reviews: Api::all(client),
            answers: Mutex::default(),
            hashing: RandomState::new(),
            kept: KEPT.min(recheck),
        }
    }

    /// Whether the requester holds the verb on this object of ours; an empty name means every object of the kind.
    ///
    /// # Errors
    /// The API server could not be asked. That is no answer.
    pub async fn holds(&self, who: &Requester, verb: &str, resource: &str, name: &str) -> Result<bool, kube::Error> {
        let key = self
            .hashing
            .hash_one((&who.username, &who.uid, &who.groups, verb, resource, name));
        if let Some(answer) = self.remembered(key) {
            return Ok(answer);
        }
        let review = review(who, verb, resource, name);
        // As of now: it may be taken away while the answer is on its way.
        let asked = Instant::now();
        let reviewed = self.reviews.create(&PostParams::default(), &review).await?;
        let answer = reviewed
            .status
            .is_some_and(|status| status.allowed && status.denied != Some(true));
        self.remember(key, asked, answer);
        Ok(answer)
    }

    fn remembered(&self, key: u64) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .get(&key)
            .filter(|(asked, _)| asked.elapsed() < self.kept)
            .map(|(_, answer)| *answer)
    }

    fn remember(&self, key: u64, asked: Instant, answer: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.retain(|_, (asked, _)| asked.elapsed() < self.kept);
        }
        if answers.len() < MOST {
            answers.insert(key, (asked, answer));
        }
    }
}

fn review(who: &Requester, verb: &str, resource: &str, name: &str) -> SubjectAccessReview {
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(who.username.clone().unwrap_or_default()),
            uid: who.uid.clone(),
            groups: Some(who.groups.clone()),
            resource_attributes: Some(ResourceAttributes {
                group: Some(GROUP.into()),
                resource: Some(resource.into()),
                verb: Some(verb.into()),
                name: Some(name.into()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}
