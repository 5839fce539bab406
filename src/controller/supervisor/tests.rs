//! What a probe that failed says of its Directory, as the budget of calls makes it fail.

use super::*;
use crate::directory::throttle::Throttle;

fn call(lane: Lane) -> Call {
    Call {
        lane,
        deadline: tokio::time::Instant::now().into_std() + Duration::from_secs(16),
    }
}

/// Why a probe is not made in the middle of so many requests.
async fn refused(requests: usize, answered: bool) -> Failure {
    let throttle = Throttle::new(60, 4);
    for _ in 0..6 {
        // After several that were not answered nothing is sent any more.
        if let Ok(permit) = throttle.acquire(&call(Lane::Person)).await {
            permit.report(answered);
        }
    }
    for _ in 0..requests {
        let throttle = throttle.clone();
        tokio::spawn(async move {
            throttle
                .acquire(&call(Lane::Person))
                .await
                .map(|permit| permit.report(true))
        });
    }
    tokio::task::yield_now().await;
    let probe = throttle.acquire(&call(Lane::Background)).await;
    probe.map(drop).expect_err("there is no room for a probe")
}

/// Requests go first: in a storm no probe gets its turn for hours, and nothing is wrong with the Directory.
#[tokio::test(start_paused = true)]
async fn a_probe_that_a_storm_leaves_no_room_for_is_no_trouble() {
    let starved = refused(40, true).await;
    assert!(is_no_news(None, &starved), "{starved:?}");
    // What was wrong before is still to be found out, however long that takes.
    let trouble = Trouble {
        needs_person: false,
        message: "it did not answer".into(),
    };
    assert!(!is_no_news(Some(&trouble), &starved));
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_does_not_answer_is_in_trouble() {
    let broken = refused(0, false).await;
    assert!(!is_no_news(None, &broken), "{broken:?}");
}
