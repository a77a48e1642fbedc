//! Taking runs, and the fence around what was taken.

use std::fmt;

use crate::clock::Timestamp;
use crate::job_run::{History, Unshown};
use crate::name::{OverseerId, RunId};

/// Names one call of [`Backend::claim`](crate::backend::Backend::claim), so that it can be repeated when its answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who claims.
    pub overseer: OverseerId,
    /// Counted up by the overseer: a claim in a queue has a larger one than all its claims there before.
    pub number: u64,
}

/// Names one claim of one run: the fence. Only its backend knows what it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimToken(pub String);

/// The answer to a claim.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The runs, in the order in which they stood.
    pub runs: Vec<Claim>,
    /// The runs that were removed instead, because they had waited longer than they were to.
    pub expired: Vec<RunId>,
    /// How the lease stood when the call came.
    pub lease: Lease,
    /// When the pause ends by itself that kept it from more runs.
    pub paused_until: Option<Timestamp>,
    /// The backend's time.
    pub now: Timestamp,
}

/// One claimed run.
#[derive(Clone)]
pub struct Claim {
    /// Its id.
    pub id: RunId,
    /// Names the claim when it is settled.
    pub token: ClaimToken,
    /// The envelope's bytes, as they were stored.
    pub envelope: Vec<u8>,
    /// What became of its attempts before this one.
    pub history: History,
}

impl fmt::Debug for Claim {
    /// Without the arguments, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("id", &self.id)
            .field("token", &self.token)
            .field("envelope", &Unshown(self.envelope.len()))
            .field("history", &self.history)
            .finish()
    }
}

/// How an overseer's lease on a queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It had none: whatever it claimed in this queue before is not its own any more. The ticket that makes the
    /// lease is answered so each time it is repeated.
    New,
    /// It holds.
    Held,
    /// It ran out and its runs are being taken back. The overseer claims nothing until that is done.
    Lost,
}
