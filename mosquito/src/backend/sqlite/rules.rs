//! What runs are under: the limits that were declared, what they remember, and what makes a run unique.

use std::time::Duration;

use rusqlite::Row;

use crate::backend::lanes::{left_lane, left_pending, left_store, line_up};
use crate::backend::sqlite::lanes::Lanes;
use crate::backend::sqlite::queue::{Queue, count, garbled, name};
use crate::backend::{BATCH_LIMIT, LimitReport, Used};
use crate::clock::{self, Timestamp};
use crate::flow::{
    Concurrency, Flow, FlowKey, LimitName, RateKind, RateLimit, RateState, StoredFlow, StoredUnique,
    WHILE_RUNNING,
};
use crate::name::RunId;

impl Queue<'_> {
    /// Whether any of its runs was ever other than plain. If none was, there are no lanes, slots and keys to look at.
    pub(super) fn has_flows(&self) -> rusqlite::Result<bool> {
        let found = self.first_row(
            "SELECT 1 FROM queues WHERE name = ?1 AND turns IS NOT NULL",
            [self.name.as_str()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Notes that there are runs that are not plain. A queue has them for ever.
    pub(super) fn note_flows(&self) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE queues SET turns = '{}' WHERE name = ?1 AND turns IS NULL",
            [self.name.as_str()],
        )?;
        Ok(())
    }

    /// What is stored of the flow of a run that is due then.
    pub(super) fn stored(&self, flow: &Flow, due: Timestamp) -> StoredFlow {
        let mut stored = flow.stored();
        stored.expires = stored.expires.map(|after| due.timestamp_millis().saturating_add(after));
        stored
    }

    /// Takes down the rules that a run is under.
    pub(super) fn declare(&self, flow: &Flow) -> rusqlite::Result<()> {
        if let Some(rate) = &flow.rate {
            self.set_rate_rule(rate.name.as_str(), &rate.rule)?;
        }
        if let Some(concurrency) = &flow.concurrency {
            self.set_slot_rule(concurrency.name.as_str(), concurrency.rule)?;
        }
        if flow.waits_for_the_one_before().is_some() {
            self.set_slot_rule(WHILE_RUNNING, Concurrency { limit: 1 })?;
        }
        Ok(())
    }

    fn set_rate_rule(&self, limit: &str, rule: &RateLimit) -> rusqlite::Result<()> {
        // Most runs come with the rule that holds, and write nothing.
        self.execute(
            "INSERT INTO rules (queue, name, rate, per, kind) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET rate = excluded.rate, per = excluded.per, kind = excluded.kind
             WHERE (rate, per, kind) IS NOT (excluded.rate, excluded.per, excluded.kind)",
            (self.name.as_str(), limit, rule.limit, clock::millis(rule.per).max(1), word(rule.kind)),
        )?;
        Ok(())
    }

    fn set_slot_rule(&self, limit: &str, rule: Concurrency) -> rusqlite::Result<()> {
        if self.seen.slot_rules.borrow().get(limit) == Some(&Some(rule)) {
            return Ok(());
        }
        self.execute(
            "INSERT INTO rules (queue, name, slots) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET slots = excluded.slots WHERE slots IS NOT excluded.slots",
            (self.name.as_str(), limit, rule.limit),
        )?;
        self.seen.slot_rules.borrow_mut().insert(limit.to_owned(), Some(rule));
        Ok(())
    }

    pub(super) fn slot_rule(&self, limit: &str) -> rusqlite::Result<Option<Concurrency>> {
        if let Some(rule) = self.seen.slot_rules.borrow().get(limit) {
            return Ok(*rule);
        }
        let rule = self.first_row(
            "SELECT slots FROM rules WHERE queue = ?1 AND name = ?2 AND slots IS NOT NULL",
            (self.name.as_str(), limit),
            |row| Ok(Concurrency { limit: row.get(0)? }),
        )?;
        self.seen.slot_rules.borrow_mut().insert(limit.to_owned(), rule);
        Ok(rule)
    }

    pub(super) fn rate_rule(&self, limit: &str) -> rusqlite::Result<Option<RateLimit>> {
        self.first_row(
            "SELECT rate, per, kind FROM rules WHERE queue = ?1 AND name = ?2 AND rate IS NOT NULL",
            (self.name.as_str(), limit),
            |row| {
                let per = Duration::from_millis(row.get::<_, i64>(1)?.unsigned_abs());
                Ok(RateLimit { limit: row.get(0)?, per, kind: kind(row, 2)? })
            },
        )
    }

    /// What is remembered of a rate. What cannot be read counts as nothing, rather than to hold its runs up for ever.
    pub(super) fn rate(&self, key: &str) -> rusqlite::Result<Option<RateState>> {
        let state = self.first_row(
            "SELECT state FROM rates WHERE queue = ?1 AND key = ?2",
            (self.name.as_str(), key),
            |row| row.get::<_, String>(0),
        )?;
        Ok(state.and_then(|state| RateState::read(&state)))
    }

    pub(super) fn limit(&self, limit: &LimitName, key: &FlowKey) -> rusqlite::Result<LimitReport> {
        let full = format!("{limit}/{key}");
        let rate = match self.rate_rule(limit.as_str())? {
            Some(rule) => {
                let used = self.rate(&full)?.map_or(0, |mut state| state.used(&rule, self.now_millis()));
                Some(Used { used, limit: rule.limit })
            }
            None => None,
        };
        let concurrency = match self.slot_rule(limit.as_str())? {
            Some(rule) => {
                let used = u32::try_from(self.slots_used(&full)?).unwrap_or(u32::MAX);
                Some(Used { used, limit: rule.limit })
            }
            None => None,
        };
        Ok(LimitReport { rate, concurrency })
    }

    /// The run that keeps others of a key away.
    pub(super) fn holder(&self, key: &str) -> rusqlite::Result<Option<RunId>> {
        self.first_row(
            "SELECT run FROM unique_keys WHERE queue = ?1 AND key = ?2 AND CASE
                 WHEN until IS NULL THEN EXISTS (SELECT 1 FROM runs WHERE runs.queue = ?1 AND runs.id = run)
                 ELSE ?3 < until END",
            (self.name.as_str(), key, self.now_millis()),
            |row| name(row, 0),
        )
    }

    /// Has a run keep others of its key away: for as long as it is there, or until a time.
    pub(super) fn hold(&self, key: &str, run: &RunId, until: Option<i64>) -> rusqlite::Result<()> {
        self.execute(
            "INSERT INTO unique_keys (queue, key, run, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET run = excluded.run, until = excluded.until",
            (self.name.as_str(), key, run.as_str(), until),
        )?;
        Ok(())
    }

    /// Has a run keep others of its key away, if no row says anything of that key; whether it does.
    pub(super) fn hold_what_is_free(&self, unique: &StoredUnique, run: &RunId) -> rusqlite::Result<bool> {
        let until = unique.lasts.map(|lasts| self.now_millis().saturating_add(lasts));
        let held = self.execute(
            "INSERT INTO unique_keys (queue, key, run, until) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (self.name.as_str(), &unique.key, run.as_str(), until),
        )?;
        Ok(held > 0)
    }

    /// Has a run keep others of a key away no more, if it does.
    pub(super) fn let_go_of(&self, key: &str, run: &RunId) -> rusqlite::Result<()> {
        self.execute(
            "DELETE FROM unique_keys WHERE queue = ?1 AND key = ?2 AND run = ?3",
            (self.name.as_str(), key, run.as_str()),
        )?;
        Ok(())
    }

    /// Forgets what says the same as nothing would.
    pub(super) fn forget_what_fades(&self) -> rusqlite::Result<()> {
        for forget in [FORGET_RATES, FORGET_KEYS] {
            self.execute(forget, (self.name.as_str(), self.now_millis(), count(BATCH_LIMIT)))?;
        }
        Ok(())
    }

    /// Gives back what a run had while it was pending.
    pub(super) fn give_back(&self, run: &RunId, flow: Option<&StoredFlow>) -> rusqlite::Result<()> {
        flow.map_or(Ok(()), |flow| left_pending(&mut Lanes::of(self), run, flow))
    }

    /// Lets go of what a run kept others away by. One that is `undone` did not succeed.
    pub(super) fn let_go(
        &self,
        run: &RunId,
        flow: Option<&StoredFlow>,
        undone: bool,
    ) -> rusqlite::Result<()> {
        flow.map_or(Ok(()), |flow| left_store(&mut Lanes::of(self), run, flow, undone))
    }

    /// Takes the lane of a run out of the line, where the run was removed from it and none is left.
    pub(super) fn left_lane(&self, flow: Option<&StoredFlow>) -> rusqlite::Result<()> {
        flow.map_or(Ok(()), |flow| left_lane(&mut Lanes::of(self), flow))
    }

    /// Has the lane of a run stand in line, where it waits now.
    pub(super) fn line_up(&self, flow: Option<&StoredFlow>) -> rusqlite::Result<()> {
        flow.map_or(Ok(()), |flow| line_up(&mut Lanes::of(self), &flow.lane))
    }
}

pub(super) const FORGET_RATES: &str = "
    DELETE FROM rates WHERE queue = ?1 AND key IN
        (SELECT key FROM rates WHERE queue = ?1 AND fades <= ?2 ORDER BY fades LIMIT ?3)";

pub(super) const FORGET_KEYS: &str = "
    DELETE FROM unique_keys WHERE queue = ?1 AND key IN
        (SELECT key FROM unique_keys WHERE queue = ?1 AND until <= ?2 ORDER BY until LIMIT ?3)";

/// The flow in a row; nothing for a plain run.
pub(super) fn flow(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<StoredFlow>> {
    let flow = row.get_ref(column)?.as_str_or_null().map_err(|why| garbled(column, why))?;
    flow.map(serde_json::from_str).transpose().map_err(|why| garbled(column, why))
}

/// A flow as a row has it.
pub(super) fn written(flow: &StoredFlow) -> String {
    serde_json::to_string(flow).expect("text and numbers serialize")
}

fn word(kind: RateKind) -> &'static str {
    match kind {
        RateKind::Sliding => "sliding",
        RateKind::TokenBucket => "bucket",
        RateKind::Fixed => "fixed",
    }
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<RateKind> {
    let found = row.get_ref(column)?.as_str().map_err(|why| garbled(column, why))?;
    let kinds = [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed];
    let kind = kinds.into_iter().find(|kind| word(*kind) == found);
    kind.ok_or_else(|| garbled(column, format!("`{found}` is not a kind of rate limit")))
}
