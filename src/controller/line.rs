//! The line of requests before one Directory: who is served, who waits, and the task that calls the next. The rules
//! stand in `domain::queue`; how long a call waits is the throttle's word.

use super::{
    context::{Context, Named},
    directories::Handle,
};
use crate::{
    directory::throttle::Throttle,
    domain::{
        queue::{Lane, Next, Place, Queue, Turn, places::Stand},
        request::Request,
    },
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The longest time between two looks while somebody waits: what holds calls back may end early.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest.
const SOONEST: Duration = Duration::from_millis(2);

/// The line before one Directory.
pub struct Line {
    directory: String,
    throttle: Throttle,
    queue: Mutex<Queue<Named>>,
    /// Somebody came or left.
    moved: Notify,
    /// What times are measured from.
    begun: Instant,
}

/// A request's place in a line. It is given up when this is dropped.
pub struct Ticket {
    line: Arc<Line>,
    place: Place,
}

impl Line {
    /// Nobody stands before this budget.
    pub fn new(directory: String, throttle: Throttle) -> Self {
        Line {
            directory,
            throttle,
            queue: Mutex::default(),
            moved: Notify::new(),
            begun: Instant::now(),
        }
    }

    /// A place for this request; it need not use it.
    pub fn ticket(self: &Arc<Self>, lane: Lane, request: &Request) -> Ticket {
        Ticket {
            line: self.clone(),
            place: Place {
                lane,
                created: request.created,
                uid: request.uid.as_str().into(),
            },
        }
    }

    /// Those who were called and are gone leave.
    pub fn dismiss(&self, gone: impl Fn(&Named) -> bool) {
        self.lock().dismiss(gone);
        self.moved.notify_one();
    }

    fn call(&self) -> Next<Named> {
        let throttle = &self.throttle;
        self.lock().call(self.begun.elapsed(), &|lane, calls, requests| {
            throttle.wait_behind(lane, calls, requests)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue<Named>> {
        // Every change under this lock is complete in itself.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Whether it is a place in this line.
    pub fn is_for(&self, line: &Arc<Line>) -> bool {
        Arc::ptr_eq(&self.line, line)
    }
}

impl Stand for Ticket {
    type Request = Request;

    fn directory(&self) -> &str {
        &self.line.directory
    }

    fn ask(&self, request: &Request) -> Option<Turn> {
        let line = &self.line;
        let who = || Named {
            kind: request.kind,
            namespace: request.namespace.as_str().into(),
            name: request.name.as_str().into(),
        };
        let budget = |lane: Lane, calls: usize, requests: usize| line.throttle.wait_behind(lane, calls, requests);
        let turn = line.lock().ask(&self.place, who, line.begun.elapsed(), &budget);
        if turn.is_some() {
            line.moved.notify_one();
        }
        turn
    }

    fn enter(&self) {
        self.line.lock().enter(&self.place);
    }

    fn waits(&self) -> bool {
        self.line.lock().waits(&self.place)
    }

    fn is_called(&self) -> bool {
        self.line.lock().is_called(&self.place)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (now, calls) = (self.line.begun.elapsed(), self.line.throttle.passed());
        self.line.lock().leave(&self.place, now, calls);
        self.line.moved.notify_one();
    }
}

/// Calls the next one whenever it is somebody's turn, until the Directory's spec changes or the operator stops.
pub async fn serve(context: Arc<Context>, handle: Arc<Handle>) {
    let line = &handle.line;
    loop {
        let looked = async {
            match line.call() {
                Next::Call(request) => context.bells.ring(request),
                Next::Later(wait) => {
                    let wait = wait.clamp(SOONEST, LOOK);
                    // Woken or not, the next round looks again.
                    let _ = tokio::time::timeout(wait, line.moved.notified()).await;
                }
                Next::Nobody => line.moved.notified().await,
            }
        };
        tokio::select! {
            () = handle.stop.cancelled() => return,
            () = looked => {}
        }
    }
}
