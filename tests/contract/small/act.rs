//! What can happen.

use std::time::Duration;

use mosquito::When;

/// A step of time: the lease of an overseer, and the delay of what is for later.
pub(super) const STEP: Duration = Duration::from_secs(3600);

/// One thing that happens. Overseers and runs are told by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A client enqueues a run, or does so again because it had no answer.
    Enqueue {
        run: usize,
        when: When,
        answer: Answer,
    },
    /// An overseer claims, or asks again for what it had no answer to.
    Claim {
        who: usize,
        at_most: usize,
        answer: Answer,
    },
    /// A claim that was long on its way arrives, perhaps after its overseer has died.
    Arrive,
    /// An overseer settles one of the claims that it believes to have, or does so again.
    Settle {
        who: usize,
        hold: usize,
        fate: Way,
        answer: Answer,
    },
    Beat {
        who: usize,
    },
    /// An overseer takes back what it has pending from before all that it believes to have.
    Recall {
        who: usize,
    },
    Promote,
    /// Takes back so many runs of silent overseers.
    Rescue {
        at_most: usize,
    },
    Delete {
        run: usize,
    },
    /// An operator wants a run no more.
    Cancel {
        run: usize,
    },
    /// An overseer dies, and comes back under another id.
    Crash {
        who: usize,
    },
    Lead {
        who: usize,
    },
    Resign {
        who: usize,
    },
    /// An overseer that believes to lead has the periodic job tick.
    Tick {
        who: usize,
    },
    TimePasses,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Comes,
    /// The call took effect, but nobody learns of it.
    IsLost,
    /// The caller gives up waiting; the call arrives later.
    Waits,
}

/// A fate without its history, which follows from the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Way {
    Forget,
    Reschedule,
    Banish,
    HandBack,
}

pub(super) const WAYS: [Way; 4] = [Way::Forget, Way::Reschedule, Way::Banish, Way::HandBack];
