//! A run that kills its process, whenever it is performed.

use mosquito::backend::List;
use mosquito_tests::journal::Fact;
use nix::sys::signal::Signal;

use crate::jobs::{Ending, Poison, Work};
use crate::store::Store;
use crate::{Trial, on_both, standing};

on_both!(a_run_that_kills_its_process_is_dead_after_three_and_its_neighbours_are_performed);

async fn a_run_that_kills_its_process_is_dead_after_three_and_its_neighbours_are_performed(store: Store) {
    let by_abort = poisoned(&store, Ending::Abort, Signal::SIGABRT);
    let by_kill = poisoned(&store, Ending::Kill, Signal::SIGKILL);
    tokio::join!(by_abort, by_kill);
}

async fn poisoned(store: &Store, how: Ending, signal: Signal) {
    let mut trial = Trial::on(store).await;
    let poison = trial.enqueue_hopeless(Poison { how }).await;
    // Longer than the poison takes: each dies with it, as long as they are performed together.
    trial.enqueue((0..4).map(|_| Work { pause: 500 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;

    for _ in 0..3 {
        let victim = fleet.launch(plan);
        tokio::task::block_in_place(|| fleet.wait_for_death(victim, signal));
    }
    let survivor = fleet.start(plan);
    ledger.until(Fact::Poisoned, 1).await;
    ledger.until_kept(mosquito).await;

    let report = tokio::task::block_in_place(|| fleet.stop(survivor));
    let dead = standing(mosquito, List::Dead).await;
    let told: Vec<_> = dead.iter().map(|run| (&run.id, run.history.error.as_deref())).collect();
    assert_eq!(told, [(&poison, Some("poisoned: 3 processes died while they performed it"))]);
    assert_eq!(report.refused, 0, "{report:?}");
    let account = ledger.close(&format!("{}: poison, {how:?}", store.name()), fleet, mosquito).await;
    assert_eq!((account.poisoned, account.runs), (1, 4), "{account}");
}
