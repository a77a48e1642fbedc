//! A rescue that takes several calls.

use std::time::Duration;

use mosquito::backend::{Lease, List, Rescue};

use crate::making::{Overseer, numbered, rescue_after, runs};
use crate::store::Store;

facts! {
    runs_taken_back_in_pieces_keep_their_turn,
    what_is_left_of_one_overseer_comes_before_the_next,
    a_piece_that_ends_with_the_last_run_is_the_last,
    a_piece_is_bounded_however_many_have_died,
    however_many_have_died_all_their_runs_come_back,
}

/// Everybody is dead, and so many runs are taken back in a call.
fn pieces_of(at_most: usize) -> Rescue {
    Rescue { at_most, ..rescue_after(Duration::ZERO) }
}

async fn runs_taken_back_in_pieces_keep_their_turn(store: &Store) {
    let ann = Overseer::named("ann");
    let all = numbered(11);
    store.put_runs(&runs(&all)).await;
    // Of several tickets, one of which is cut by a piece.
    for count in [3, 1, 4, 2] {
        assert_eq!(store.claim(&ann, count).await.len(), count, "there are as many");
    }

    let mut calls = 1;
    while store.rescue(&pieces_of(3)).await.more {
        calls += 1;
    }

    assert_eq!(calls, 4, "three, three, three and one");
    assert_eq!(store.list(List::Waiting).await, all, "the first in front, and all before those that waited");
}

async fn what_is_left_of_one_overseer_comes_before_the_next(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.put_runs(&runs(&numbered(6))).await;
    let of_ann = store.claim(&ann, 3).await;
    let of_bob = store.claim(&bob, 3).await;
    assert_eq!((of_ann.len(), of_bob.len()), (3, 3), "each has its own");

    while store.rescue(&pieces_of(2)).await.more {}

    let waiting = store.list(List::Waiting).await;
    let turn = |id: &str| waiting.iter().position(|waits| waits == id).expect("it waits");
    for claims in [of_ann, of_bob] {
        assert!(
            claims.is_sorted_by_key(|claim| turn(claim.id.as_str())),
            "{waiting:?} keeps {claims:?} in order"
        );
    }
    assert_eq!(store.beat(&ann).await, Lease::Lost, "and both");
    assert_eq!(store.beat(&bob).await, Lease::Lost, "are lost");
}

async fn a_piece_that_ends_with_the_last_run_is_the_last(store: &Store) {
    let ann = Overseer::named("ann");
    store.put_runs(&runs(&numbered(4))).await;
    store.claim(&ann, 4).await;

    let (first, second) = (store.rescue(&pieces_of(2)).await, store.rescue(&pieces_of(2)).await);

    assert_eq!((first.rescued.len(), first.more), (2, true), "two of four");
    assert_eq!((second.rescued.len(), second.more), (2, false), "and the other two");
    assert_eq!(store.claim_with(&ann.ticket(), 9).await.lease, Lease::New, "then it is complete");
}

async fn a_piece_is_bounded_however_many_have_died(store: &Store) {
    store.put_runs(&runs(&numbered(9))).await;
    for name in ["ann", "bob", "eve"] {
        assert_eq!(store.claim(&Overseer::named(name), 3).await.len(), 3, "three for {name}");
    }

    let mut moved = Vec::new();
    loop {
        let rescued = store.rescue(&pieces_of(4)).await;
        moved.push(rescued.rescued.len());
        if !rescued.more {
            break;
        }
    }

    assert_eq!(moved, [4, 4, 1], "a piece may be of two overseers, and is no larger for it");
}

async fn however_many_have_died_all_their_runs_come_back(store: &Store) {
    let all = numbered(230);
    store.put_runs(&runs(&all)).await;
    for id in &all {
        assert_eq!(store.claim(&Overseer::named(&format!("of-{id}")), 1).await.len(), 1, "one for each");
    }

    for call in 0.. {
        assert!(call < 20, "it comes to an end");
        if !store.rescue(&rescue_after(Duration::ZERO)).await.more {
            break;
        }
    }

    assert_eq!(store.sizes().await.waiting, all.len(), "nobody is passed over");
}
