//! Plays paths of a small world on a store and on memory, side by side.

use fastrand::Rng;
use mosquito::backend::memory::Memory;
use mosquito::backend::{Backend, List, StoredRun};
use mosquito::{Clock, Timestamp};

use super::act::{Act, STEP};
use super::promises;
use super::world::World;
use crate::store::Store;

/// No path goes on for longer.
const LONGEST: usize = 40;

pub(super) struct Replay<'a> {
    store: &'a Store,
    memory: Memory,
    /// The store's, if somebody can move it. No time passes on a server's.
    clock: Clock,
}

impl<'a> Replay<'a> {
    pub(super) fn on(store: &'a Store) -> Self {
        let clock = store.clock().cloned().unwrap_or_else(Clock::manual);
        Self { store, memory: Memory::with_clock(clock.clone()), clock }
    }

    /// Draws acts until nothing can happen any more, and has each happen on both. Answers how many there were.
    pub(super) async fn random_path(&self, world: &World, random: &mut Rng) -> usize {
        let begin = self.clock.now();
        let (mut of_store, mut of_memory) = (world.clone(), world.clone());
        let mut before = world.before().into_iter();
        let mut path = Vec::new();
        while path.len() < LONGEST {
            let mut acts = of_memory.acts();
            acts.retain(|act| {
                self.store.clock().is_some() || !matches!(act, Act::TimePasses | Act::Tick { .. })
            });
            let Some(act) = before.next().or_else(|| random.choice(acts)) else { break };
            path.push(act);
            if act == Act::TimePasses {
                self.clock.step(i64::try_from(STEP.as_millis()).expect("it is an hour or so"));
            }
            let backend = if path.len() % 2 == 0 { self.store.backend() } else { self.store.second() };
            let answer = of_store.act(&**backend, begin, act).await;
            let expected = of_memory.act(&self.memory, begin, act).await;
            if matches!(act, Act::Rescue { .. }) {
                // Of two that are dead, each store begins with whom it likes; from there on their paths differ.
                if answer != expected || self.waits_otherwise(world).await {
                    break;
                }
            }
            assert_eq!(answer, expected, "after {path:#?} the store answers as memory does");
            promises::each_run_stands_where_it_should(&of_store, &**backend).await;
            let held = self.runs(&**backend, world).await;
            assert_eq!(
                held,
                self.runs(&self.memory, world).await,
                "after {path:#?} it holds what memory holds"
            );
        }
        path.len()
    }

    /// Whether the two have their runs wait in another order.
    async fn waits_otherwise(&self, world: &World) -> bool {
        let page = async |store: &dyn Backend| {
            let page = store.page(&world.queue, List::Waiting, 0, 10).await.expect("a page is read");
            page.into_iter().map(|run| run.id).collect::<Vec<_>>()
        };
        page(&**self.store.backend()).await != page(&self.memory).await
    }

    /// All lists; without times, where there are two clocks.
    async fn runs(&self, store: &dyn Backend, world: &World) -> Vec<StoredRun> {
        let mut runs = Vec::new();
        for list in List::ALL {
            runs.extend(store.page(&world.queue, list, 0, 10).await.expect("a page is read"));
        }
        if self.store.clock().is_none() {
            for run in &mut runs {
                run.at = run.at.map(|_| Timestamp::UNIX_EPOCH);
                run.envelope.clear();
            }
            runs.sort_by(|one, other| (one.list, &one.id).cmp(&(other.list, &other.id)));
        }
        runs
    }
}
