//! The seed of a randomised test.

use fastrand::Rng;

/// Set it to a printed seed to see the same again.
const VARIABLE: &str = "MOSQUITO_TEST_SEED";

/// Begins the choices of a test, and prints where they begin.
pub(crate) fn begin() -> Rng {
    let given = std::env::var(VARIABLE).map(|seed| seed.parse().expect("a seed is a number"));
    let seed = given.unwrap_or_else(|_| fastrand::u64(..));
    println!("to see the same again: {VARIABLE}={seed}");
    Rng::with_seed(seed)
}
