//! A flow as a store keeps it beside its run: which line it waits in, what it takes when it is claimed, and what it gives back.

use serde::{Deserialize, Serialize};

use super::{Flow, FlowKey, OnConflict, Until};
use crate::clock;

/// How many runs go at a turn from a lane of which nobody said that it is to be fair. It is there only because of a limit, and more at a
/// time is nearer to the order in which they came, and costs less, than taking turns after each.
const BURST: u32 = 10;

/// A flow as a store keeps it. Its JSON is part of the wire format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct StoredFlow {
    /// The lane in which it waits: the digit of its level, and for runs with a key of any limit, or of fairness, a hash of
    /// these keys behind it. All runs of one lane are under the same limits.
    pub(crate) lane: String,
    /// How many runs of its lane go at each turn.
    #[serde(default = "burst", skip_serializing_if = "is_burst")]
    pub(crate) weight: u32,
    /// What it counts towards when it is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<StoredRate>,
    /// The slots that it takes while it is pending, each `limit/key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) slots: Vec<String>,
    /// What it keeps others away by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unique: Option<StoredUnique>,
    /// Until when its first attempt is to start, in ms since 1970. On its way into the store: how many ms after it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct StoredRate {
    /// `limit/key`.
    pub(crate) key: String,
    /// As how many runs it counts.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct StoredUnique {
    pub(crate) key: String,
    pub(crate) until: StoredUntil,
    /// Whether an enqueue that it keeps away is answered by its own id, or gives it its arguments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) replace: bool,
    /// With `For`: for how many ms from its enqueue on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lasts: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredUntil {
    /// Released by the claim.
    Start,
    /// Released when its run leaves the store or is dead.
    Finish,
    /// Released when its time is over, or its run is dead or deleted.
    For,
}

/// The name under which the slot of a unique run is taken that waits for the one before it. No [`LimitName`](super::LimitName) is like it.
pub(crate) const WHILE_RUNNING: &str = "~unique";

impl Flow {
    /// As it is stored.
    pub(crate) fn stored(&self) -> StoredFlow {
        let mut slots: Vec<String> = Vec::new();
        slots.extend(self.concurrency.as_ref().map(|of| format!("{}/{}", of.name, of.key)));
        slots.extend(self.waits_for_the_one_before().map(|key| format!("{WHILE_RUNNING}/{key}")));
        let rate = self.rate.as_ref();
        let rate =
            rate.map(|of| StoredRate { key: format!("{}/{}", of.name, of.key), weight: of.weight.max(1) });
        let fair = self.fair.as_ref();
        let level = self.priority.level();
        let is_keyed = !slots.is_empty() || rate.is_some() || fair.is_some();
        let lane = match is_keyed {
            false => level.to_string(),
            true => {
                let keys = (fair.map(|fair| fair.key.as_str()), rate.as_ref().map(|rate| &rate.key), &slots);
                let hash = FlowKey::hashed(&keys).expect("text serializes");
                format!("{level}{hash}")
            }
        };
        let unique = self.unique.as_ref().map(|unique| StoredUnique {
            key: unique.key.to_string(),
            until: match (unique.until, unique.on_conflict) {
                (Until::For(_), _) => StoredUntil::For,
                (Until::Start | Until::StartThenWhileRunning, _)
                | (Until::Finish, OnConflict::KeepLatest) => StoredUntil::Start,
                (Until::Finish, _) => StoredUntil::Finish,
            },
            replace: matches!(unique.on_conflict, OnConflict::Replace | OnConflict::KeepLatest),
            lasts: match unique.until {
                Until::For(time) => Some(clock::millis(time)),
                _ => None,
            },
        });
        StoredFlow {
            lane,
            weight: fair.map_or(BURST, |fair| fair.weight.max(1)),
            rate,
            slots,
            unique,
            expires: self.expires.map(clock::millis),
        }
    }

    /// The key of which one run is performed at a time, where one more may wait for its end: that is how
    /// `StartThenWhileRunning` and `KeepLatest` keep to their word.
    pub(crate) fn waits_for_the_one_before(&self) -> Option<&FlowKey> {
        let unique = self.unique.as_ref()?;
        let waits = match unique.until {
            Until::StartThenWhileRunning => true,
            Until::Finish => unique.on_conflict == OnConflict::KeepLatest,
            Until::Start | Until::For(_) => false,
        };
        waits.then_some(&unique.key)
    }
}

/// The level of a lane, which is its first digit.
pub(crate) fn level_of(lane: &str) -> u8 {
    lane.bytes().next().map_or(0, |digit| digit.saturating_sub(b'0').min(9))
}

/// Whether the runs of a lane have no key.
pub(crate) fn is_unkeyed(lane: &str) -> bool {
    lane.len() == 1
}

fn burst() -> u32 {
    BURST
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_burst(n: &u32) -> bool {
    *n == BURST
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(n: &u32) -> bool {
    *n == 1
}
