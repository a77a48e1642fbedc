//! Worlds so small that everything that can happen in them is tried.
//!
//! Two overseers, two runs, an operator, and a network that loses answers and delivers late. From each state every act is
//! tried, on the memory backend itself, until no new state is found: a state is all that the store holds, and all that the
//! overseers and clients believe. What holds in each of them is in `promises.rs`; what each act must answer is in
//! `ledger.rs`, which counts for itself and looks at no store.
//!
//! Without bounds there would be no end, and with wide ones nobody would wait for it: so there are several worlds, each
//! about something, each searched to its end. Two deaths poison, and time passes in steps of one lease.
//!
//! Paths that are drawn at random in a wider world are played on each store, which must answer as memory does.

mod act;
mod ledger;
mod promises;
mod replay;
mod search;
mod world;

use mosquito_tests::Seed;

use crate::making::queue;
use crate::store::Store;
use search::Search;
use world::{Bounds, World};

facts! {
    along_paths_of_a_small_world_a_store_does_as_memory,
}

/// How many paths are played on each store.
const PATHS: usize = 40;

/// Two runs wait, each overseer claims once, and one answer is lost, one call late, or one overseer dies.
const MISHAPS: Bounds = Bounds {
    clients: 2,
    is_begun: true,
    ticks: false,
    tickets: [1, 1],
    at_most: [2, 1],
    steps: 1,
    mishaps: 1,
    deletes: false,
    cancels: false,
};

#[test]
fn whatever_goes_wrong_with_two_claims_no_run_is_lost() {
    search("mishaps", MISHAPS, 50_000);
}

#[test]
fn however_leases_run_out_no_run_is_lost() {
    search("leases", Bounds { tickets: [2, 1], mishaps: 0, ..MISHAPS }, 20_000);
}

#[test]
fn however_often_it_dies_a_run_is_dead_or_performed() {
    let bounds = Bounds { clients: 1, tickets: [1, 1], at_most: [1, 1], steps: 2, ..MISHAPS };
    search("deaths", bounds, 1_000);
}

#[test]
fn whatever_clients_and_an_operator_do_no_run_is_lost() {
    let bounds = Bounds { is_begun: false, tickets: [1, 0], deletes: true, ..MISHAPS };
    search("clients", bounds, 5_000);
}

#[test]
fn whatever_two_leaders_do_a_tick_is_enqueued_once() {
    let bounds = Bounds { clients: 0, is_begun: false, ticks: true, at_most: [1, 1], ..MISHAPS };
    search("leaders", bounds, 5_000);
}

#[test]
fn whatever_goes_wrong_a_cancelled_run_is_never_begun_again() {
    let bounds =
        Bounds { clients: 1, is_begun: true, tickets: [2, 1], at_most: [1, 1], cancels: true, ..MISHAPS };
    search("cancels", bounds, 1_000);
}

/// All of it at once.
const WIDE: Bounds = Bounds {
    clients: 2,
    is_begun: false,
    ticks: true,
    tickets: [2, 2],
    at_most: [2, 1],
    steps: 3,
    mishaps: 4,
    deletes: true,
    cancels: true,
};

#[test]
#[ignore = "takes minutes: for whoever changes what a claim is"]
fn whatever_goes_wrong_twice_no_run_is_lost() {
    search("two mishaps", Bounds { mishaps: 2, ..MISHAPS }, 100_000);
}

/// Searches a world, and says how large it was: one that became tiny is no proof.
fn search(name: &str, bounds: Bounds, at_least: usize) {
    let seen = Search::of(World::new(bounds)).everything();
    println!("{name}: {} states, {} acts, {} steps to the farthest", seen.states, seen.acts, seen.farthest);
    assert!(seen.states >= at_least, "{name}: {} states are no search", seen.states);
}

async fn along_paths_of_a_small_world_a_store_does_as_memory(store: &Store) {
    let mut random = Seed::several(1)[0].begin();
    let replay = replay::Replay::on(store);
    let mut acts = 0;
    for path in 0..PATHS {
        let bounds = Bounds { is_begun: path % 2 == 0, ticks: path % 4 == 0, ..WIDE };
        let world = World::new(Bounds { clients: if bounds.ticks { 1 } else { 2 }, ..bounds });
        acts += replay.random_path(&world.on(queue(&format!("path-{path}"))), &mut random).await;
    }
    assert!(acts > 10 * PATHS, "{acts} acts are no paths");
}
