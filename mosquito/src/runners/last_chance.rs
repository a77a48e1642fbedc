//! Runs that are banished when one more process dies with them.
//!
//! When a process dies, nobody knows which of its runs it died of: each counts a crash. Taken back, they stand side by side in
//! front of `waiting`, so the next process is likely to die with the same ones. Lest a poisonous run takes its neighbours along,
//! those at their last chance are parted: an overseer performs one of them at a time, and puts the others off *before*
//! it begins.

use std::time::Duration;

use super::desk::Desk;
use super::executor::Work;
use super::reaper::around;
use super::settler;
use super::tally::Ending;
use crate::backend::{Fate, Settlement};
use crate::job_run::History;
use crate::name::QueueName;

/// How long a run waits that came while another one was at its last chance: a poisonous one seldom takes longer.
const WAIT: Duration = Duration::from_secs(3);

/// Whether one more crash is the end of a run that has had crashes before.
pub(super) fn is_last_chance(history: &History, max_crashes: u32) -> bool {
    history.crashes > 0 && history.crashes.saturating_add(1) >= max_crashes
}

/// Lets claimed runs wait in `scheduled`, as if they had not been claimed; returns when the store has agreed.
pub(super) async fn put_off(desk: &Desk, queue: &QueueName, runs: &[Work]) {
    let settlement = |work: &Work| Settlement {
        id: work.claim.id.clone(),
        token: work.claim.token.clone(),
        fate: Fate::Reschedule { delay: around(WAIT), history: work.claim.history.clone() },
    };
    // One that was lost or handed back in the meantime is not ours any more.
    let ours = runs.iter().filter(|work| desk.held.settling(queue, &work.claim.token));
    let settlements: Vec<_> = ours.map(settlement).collect();
    if !settlements.is_empty() {
        let runs = settlements.len();
        tracing::info!(target: "mosquito", %queue, runs, "put off: processes died with them, and they are performed one at a time");
        settler::settle_queue(desk, queue, &settlements, &vec![Ending::PutOff; runs]).await;
    }
}

#[cfg(test)]
mod tests {
    use super::is_last_chance;
    use crate::job_run::History;

    #[test]
    fn the_last_chance_is_the_crash_before_the_end_and_never_the_first() {
        let is = |crashes, max| is_last_chance(&History { crashes, ..History::default() }, max);

        assert_eq!([0, 1, 2, 3].map(|crashes| is(crashes, 3)), [false, false, true, true]);
        assert_eq!([0, 1].map(|crashes| is(crashes, 1)), [false, true], "a limit that was lowered since");
    }
}
