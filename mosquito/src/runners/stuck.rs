//! Reports attempts that go on although their token has fired long ago.
//!
//! Such a job does not look at its token, or takes long to put things in order. It keeps an executor busy, and at a shutdown it
//! would not be done in time. Nobody but its author can help.

use tokio::time::Instant;

use super::desk::Desk;
use crate::events::Event;
use crate::job::Halt;

/// Watches, for as long as it is polled.
pub(super) async fn watch(desk: &Desk) {
    let fired = desk.held.fired();
    let mut due = None;
    loop {
        match due {
            None => fired.next().await,
            Some(due) => {
                tokio::select! {
                    () = fired.next() => (),
                    () = tokio::time::sleep_until(due) => (),
                }
            }
        }
        due = report(desk);
    }
}

/// Reports what is stuck, once, and answers when to look at the rest.
fn report(desk: &Desk) -> Option<Instant> {
    let (mut next, mut stuck) = (None::<Instant>, Vec::new());
    desk.held.fired().retain(|halt| {
        let due = due(desk, halt).filter(|_| !halt.is_over());
        match due {
            Some(due) if due > Instant::now() => next = Some(next.map_or(due, |next| next.min(due))),
            Some(_) => stuck.push(halt.clone()),
            None => (),
        }
        due.is_some_and(|due| due > Instant::now())
    });
    for halt in stuck {
        if let (Some(attempt), Some((why, since))) = (halt.performing(), halt.fired()) {
            desk.tally.stuck();
            let (queue, job, id) = (halt.queue().clone(), attempt.job.clone(), halt.id().clone());
            desk.events.emit(|| Event::Stuck { queue, job, id, since: since.elapsed(), why });
        }
    }
    next
}

/// When it counts as stuck; never, in a time beyond reckoning.
fn due(desk: &Desk, halt: &Halt) -> Option<Instant> {
    let (_, since) = halt.fired()?;
    since.checked_add(desk.settings.stuck_after)
}
