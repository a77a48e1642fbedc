//! Random sequences of everything, compared with the memory model step by step.
//!
//! Each step is applied to the store under test and to a model of its own; the answers and the whole queue
//! must be the same, but for the tokens, which only their backend understands.
//!
//! Half of the runs have a flow. In the end all runs are made to go, and nothing of them is left.
//!
//! Where the clock is the test's, the model shares it and times are compared, too. Where it is a
//! server's, delays are none or hours, so that the time that really passes makes no difference, and times
//! are only compared for being there.

mod flows;
mod pair;
mod player;

use mosquito::Clock;
use mosquito::backend::Scope;
use mosquito_tests::Seed;

use crate::store::Store;
use player::Player;

facts! {
    whatever_is_done_a_store_does_as_the_model,
}

const SEEDS: usize = 3;
const STEPS: usize = 700;

async fn whatever_is_done_a_store_does_as_the_model(store: &Store) {
    let began = store.clock().map(Clock::now);
    for (round, seed) in Seed::several(SEEDS).into_iter().enumerate() {
        if let (Some(clock), Some(began)) = (store.clock(), began) {
            clock.step((began - clock.now()).num_milliseconds());
        }
        // The round before may have left everything paused, of which the model of this one knows nothing.
        store.backend().resume(&Scope::Everything).await.expect("everything is resumed");
        let mut player = Player::new(store, &format!("model-{round}"), seed.begin());
        player.begin().await;
        // A sequence that never reached something proves nothing about it.
        for step in 0.. {
            if step >= STEPS && player.misses().is_empty() {
                break;
            }
            assert!(step < 10 * STEPS, "{seed}: it never came to {:?}", player.misses());
            player.play(step).await;
        }
        player.finish().await;
    }
}
