//! What becomes of claimed runs, for as long as their claims stand.
//!
//! A claim's token is its overseer, its ticket and its number, which no other claim in the queue has. Each
//! statement compares it with the row that it changes, so a token that no longer stands changes nothing.

use crate::backend::sqlite::lanes::in_row;
use crate::backend::sqlite::queue::{Queue, to_millis};
use crate::backend::sqlite::rules::flow;
use crate::backend::{ClaimToken, Fate, Settled, Settlement, Ticket};
use crate::clock;
use crate::flow::StoredFlow;
use crate::job_run::{History, log_to_text};

/// Names the claim of a run that stands in `pending` with this ticket and rank.
pub(super) fn token(ticket: &Ticket, number: i64) -> ClaimToken {
    // As SQLite stores it and tells it in the statements below.
    let Ticket { overseer, number: ticket } = ticket;
    ClaimToken(format!("{overseer}:{}:{number}", ticket.cast_signed()))
}

impl Queue<'_> {
    pub(super) fn settle(&self, settlements: &[Settlement]) -> rusqlite::Result<Vec<Settled>> {
        let has_flows = self.has_flows()?;
        let settle = |settlement| match has_flows {
            false => self.settle_one(settlement, None),
            true => self.settle_flowing(settlement),
        };
        // From the last to the first, so that runs handed back together keep their order.
        let mut answers = settlements.iter().rev().map(settle).collect::<rusqlite::Result<Vec<_>>>()?;
        answers.reverse();
        Ok(answers)
    }

    fn settle_flowing(&self, settlement: &Settlement) -> rusqlite::Result<Settled> {
        let claimed = self.first_row(
            "SELECT flow, cancelled FROM runs WHERE queue = ?1 AND id = ?2
                 AND list = 'pending' AND overseer || ':' || ticket || ':' || rank = ?3",
            (self.name.as_str(), settlement.id.as_str(), &settlement.token.0),
            |row| Ok((flow(row, 0)?, row.get::<_, bool>(1)?)),
        )?;
        let Some((flow, cancelled)) = claimed else { return Ok(Settled::Stale) };
        let (id, flow) = (&settlement.id, flow.as_ref());
        // What most runs come to. It is there, and claimed by this token.
        if matches!(settlement.fate, Fate::Forget) {
            let run = (self.name.as_str(), id.as_str());
            self.execute("DELETE FROM runs WHERE queue = ?1 AND id = ?2", run)?;
            self.give_back(id, flow)?;
            self.let_go(id, flow, cancelled)?;
            return Ok(Settled::Done);
        }
        let settled = self.settle_one(settlement, flow)?;
        self.give_back(id, flow)?;
        match settlement.fate {
            _ if cancelled => self.let_go(id, flow, true)?,
            Fate::Banish { .. } => self.let_go(id, flow, true)?,
            Fate::HandBack => self.line_up(flow)?,
            Fate::Forget | Fate::Reschedule { .. } => (),
        }
        Ok(settled)
    }

    fn settle_one(&self, settlement: &Settlement, flow: Option<&StoredFlow>) -> rusqlite::Result<Settled> {
        let changed = match &settlement.fate {
            Fate::Forget => self.forget(settlement, "")?,
            _ if self.forget(settlement, "AND cancelled")? > 0 => 1,
            Fate::Reschedule { delay, history } => {
                let due = to_millis(clock::after(self.now, *delay));
                self.end_attempt(settlement, "scheduled", due, history)?
            }
            Fate::Banish { history } => self.end_attempt(settlement, "dead", self.now_millis(), history)?,
            Fate::HandBack => self.hand_back(settlement, flow.and_then(in_row))?,
        };
        Ok(if changed > 0 { Settled::Done } else { Settled::Stale })
    }

    /// Deletes a run, if a condition holds.
    fn forget(&self, settlement: &Settlement, condition: &str) -> rusqlite::Result<usize> {
        self.execute(
            &format!(
                "DELETE FROM runs WHERE queue = ?1 AND id = ?2
                     AND list = 'pending' AND overseer || ':' || ticket || ':' || rank = ?3 {condition}"
            ),
            (self.name.as_str(), settlement.id.as_str(), &settlement.token.0),
        )
    }

    fn end_attempt(
        &self,
        settlement: &Settlement,
        list: &str,
        rank: i64,
        History { attempts, crashes, unknown, error, log }: &History,
    ) -> rusqlite::Result<usize> {
        let (id, token) = (settlement.id.as_str(), &settlement.token.0);
        self.execute(
            "UPDATE runs SET list = ?4, overseer = NULL, ticket = NULL, claimed_at = NULL, rank = ?5,
                 attempts = ?6, crashes = ?7, error = ?8, unknown = ?9, log = ?10
             WHERE queue = ?1 AND id = ?2
                 AND list = 'pending' AND overseer || ':' || ticket || ':' || rank = ?3",
            (self.name.as_str(), id, token, list, rank, attempts, crashes, error, unknown, log_to_text(log)),
        )
    }

    fn hand_back(&self, settlement: &Settlement, lane: Option<&str>) -> rusqlite::Result<usize> {
        let (id, token) = (settlement.id.as_str(), &settlement.token.0);
        self.execute(
            "UPDATE runs SET list = 'waiting', lane = ?4, overseer = NULL, ticket = NULL, claimed_at = NULL, rank = ?5
             WHERE queue = ?1 AND id = ?2
                 AND list = 'pending' AND overseer || ':' || ticket || ':' || rank = ?3",
            (self.name.as_str(), id, token, lane, self.front(lane)?),
        )
    }
}
