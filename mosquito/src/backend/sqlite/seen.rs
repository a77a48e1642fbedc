//! What one call has looked up of a queue, so that it need not do so for each run.
//!
//! Nobody else writes while a call is performed, and a call that is undone takes this with it. So it is true for as long as all that the call itself
//! writes is noted here, too.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::flow::Concurrency;

#[derive(Default)]
pub(super) struct Seen {
    /// How many slots each key of a limit has; nothing where it limits nothing.
    pub(super) slot_rules: RefCell<HashMap<String, Option<Concurrency>>>,
    /// How many runs have a slot, `limit/key`.
    pub(super) slots_used: RefCell<HashMap<String, usize>>,
    /// Whether any lane may be parked at a slot.
    pub(super) parked: Cell<Option<bool>>,
}

impl Seen {
    /// That so many more runs have a slot, or fewer.
    pub(super) fn slot_changed(&self, slot: &str, by: isize) {
        if let Some(used) = self.slots_used.borrow_mut().get_mut(slot) {
            *used = used.saturating_add_signed(by);
        }
    }
}
