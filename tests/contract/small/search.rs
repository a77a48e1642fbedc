//! Finds every state that can be reached.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_util::FutureExt;
use mosquito::backend::memory::{Checkpoint, Memory};
use mosquito::{Clock, Timestamp};

use super::act::{Act, STEP};
use super::promises;
use super::world::World;

/// A search, breadth first: so the path to what goes wrong is a shortest one.
pub(super) struct Search {
    begin: Timestamp,
    /// For each state how it was come to: from which, by what.
    paths: Vec<(usize, Act)>,
    /// Two hashes of each state, keyed at random: that two states share both will not happen.
    seen: HashSet<(u64, u64)>,
    hashers: [RandomState; 2],
    next: Vec<(usize, World, Checkpoint)>,
}

/// How much was found.
pub(super) struct Seen {
    pub(super) states: usize,
    pub(super) acts: usize,
    pub(super) farthest: usize,
}

impl Search {
    pub(super) fn of(world: World) -> Self {
        let begin = mosquito::Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let mut search = Self {
            begin,
            paths: Vec::new(),
            seen: HashSet::new(),
            hashers: [RandomState::new(), RandomState::new()],
            next: Vec::new(),
        };
        let memory = Memory::with_clock(Clock::manual_at(begin));
        let mut world = world;
        for act in world.before() {
            now(world.act(&memory, begin, act));
        }
        search.find((0, Act::Promote), world, memory.checkpoint());
        search
    }

    /// Goes on until there is nothing new.
    pub(super) fn everything(mut self) -> Seen {
        let (mut acts, mut farthest) = (0, 0);
        while !self.next.is_empty() {
            farthest += 1;
            for (state, world, checkpoint) in std::mem::take(&mut self.next) {
                let clock = self.clock(&world);
                self.or_tell(state, None, || now(promises::check(&world, &checkpoint, &clock)));
                for act in world.acts() {
                    acts += 1;
                    let (world, checkpoint) =
                        self.or_tell(state, Some(act), || self.after(&world, &checkpoint, act));
                    self.find((state, act), world, checkpoint);
                }
            }
        }
        Seen { states: self.paths.len(), acts, farthest: farthest - 1 }
    }

    fn after(&self, world: &World, checkpoint: &Checkpoint, act: Act) -> (World, Checkpoint) {
        let store = Memory::from_checkpoint(checkpoint, self.clock(world));
        let mut world = world.clone();
        now(world.act(&store, self.begin, act));
        (world, store.checkpoint())
    }

    fn find(&mut self, path: (usize, Act), world: World, checkpoint: Checkpoint) {
        let [first, second] = &self.hashers;
        if self.seen.insert((first.hash_one((&world, &checkpoint)), second.hash_one((&world, &checkpoint)))) {
            self.next.push((self.paths.len(), world, checkpoint));
            self.paths.push(path);
        }
    }

    fn clock(&self, world: &World) -> Clock {
        Clock::manual_at(self.begin + STEP * world.ledger.now)
    }

    /// Tells how it came to a state in which something is wrong.
    fn or_tell<T>(&self, state: usize, act: Option<Act>, look: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|panic| {
            let mut path: Vec<Act> = act.into_iter().collect();
            let mut at = state;
            while at != 0 {
                let (before, act) = self.paths[at];
                path.push(act);
                at = before;
            }
            let mut told = String::new();
            for act in path.iter().rev() {
                let _ = write!(told, "\n  {act:?}");
            }
            println!("this is how it comes to it:{told}");
            resume_unwind(panic)
        })
    }
}

/// Memory answers at once.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("memory does not wait")
}
