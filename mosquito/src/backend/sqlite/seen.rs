//! What one call has looked up of a queue, so that it need not do so for each run, and what it writes once, at its end.
//!
//! Nobody else writes while a call is performed, and a call that is undone takes this with it. So it is true for as long as all that the call itself
//! writes is noted here, too.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use rusqlite::Row;

use crate::backend::lanes::Turns;
use crate::backend::sqlite::queue::{Queue, count, garbled};
use crate::flow::Concurrency;

#[derive(Default)]
pub(super) struct Seen {
    /// How many slots each key of a limit has; nothing where it limits nothing.
    pub(super) slot_rules: RefCell<HashMap<String, Option<Concurrency>>>,
    /// How many runs have a slot, `limit/key`.
    slots: RefCell<BTreeMap<String, Slot>>,
    /// Whether any lane may be parked at a slot.
    pub(super) parked: Cell<Option<bool>>,
    line: RefCell<Option<Line>>,
}

#[derive(Clone, Copy)]
struct Slot {
    used: usize,
    stored: usize,
}

/// What a queue has one of for all its lanes.
#[derive(Clone)]
struct Line {
    turns: Turns,
    rank: i64,
    is_stored: bool,
}

pub(super) const SLOTS_USED: &str = "SELECT used FROM slots WHERE queue = ?1 AND slot = ?2";

impl Queue<'_> {
    pub(super) fn slots_used(&self, slot: &str) -> rusqlite::Result<usize> {
        if let Some(slot) = self.seen.slots.borrow().get(slot) {
            return Ok(slot.used);
        }
        let stored = self.first_row(SLOTS_USED, (self.name.as_str(), slot), |row| row.get::<_, i64>(0))?;
        let stored = usize::try_from(stored.unwrap_or_default()).unwrap_or_default();
        self.seen.slots.borrow_mut().insert(slot.to_owned(), Slot { used: stored, stored });
        Ok(stored)
    }

    pub(super) fn use_slots(&self, slot: &str, used: usize) {
        self.seen.slots.borrow_mut().entry(slot.to_owned()).and_modify(|slot| slot.used = used);
    }

    pub(super) fn turns(&self) -> rusqlite::Result<Turns> {
        Ok(self.line()?.turns)
    }

    pub(super) fn save_turns(&self, turns: &Turns) -> rusqlite::Result<()> {
        let line = self.line()?;
        self.seen.line.replace(Some(Line { turns: turns.clone(), is_stored: false, ..line }));
        Ok(())
    }

    /// A rank behind all runs in lanes other than that of plain ones.
    pub(super) fn next_rank(&self) -> rusqlite::Result<i64> {
        if self.seen.line.borrow().is_none() {
            self.line()?;
        }
        let mut line = self.seen.line.borrow_mut();
        let line = line.as_mut().expect("it was looked up a moment ago");
        line.rank += 1;
        line.is_stored = false;
        Ok(line.rank)
    }

    fn line(&self) -> rusqlite::Result<Line> {
        if let Some(line) = &*self.seen.line.borrow() {
            return Ok(line.clone());
        }
        let read = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?));
        let found =
            self.first_row("SELECT turns, rank FROM queues WHERE name = ?1", [self.name.as_str()], read)?;
        let (turns, rank) = found.unwrap_or_default();
        let turns = match turns {
            Some(turns) => serde_json::from_str(&turns).map_err(|why| garbled(0, why))?,
            None => Turns::default(),
        };
        let line = Line { turns, rank, is_stored: true };
        self.seen.line.replace(Some(line.clone()));
        Ok(line)
    }

    /// Writes what a call changed that is written once, however often it changed.
    pub(super) fn write_down(&self) -> rusqlite::Result<()> {
        for (name, slot) in
            self.seen.slots.borrow_mut().iter_mut().filter(|(_, slot)| slot.used != slot.stored)
        {
            match slot.used {
                0 => self.execute(
                    "DELETE FROM slots WHERE queue = ?1 AND slot = ?2",
                    (self.name.as_str(), name),
                )?,
                used => self.execute(
                    "INSERT INTO slots (queue, slot, used) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET used = excluded.used",
                    (self.name.as_str(), name, count(used)),
                )?,
            };
            slot.stored = slot.used;
        }
        if let Some(line) = self.seen.line.borrow_mut().as_mut().filter(|line| !line.is_stored) {
            let turns = serde_json::to_string(&line.turns).expect("numbers serialize");
            self.execute(
                "UPDATE queues SET turns = ?2, rank = ?3 WHERE name = ?1",
                (self.name.as_str(), turns, line.rank),
            )?;
            line.is_stored = true;
        }
        Ok(())
    }
}
