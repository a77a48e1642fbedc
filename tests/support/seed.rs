//! The seed of a randomised test: printed by each, and taken back from the environment.

use std::fmt;

/// Set it to a printed seed to see the same again.
const VARIABLE: &str = "MOSQUITO_TEST_SEED";

/// What all of a test's random choices follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seeds to test with: the one in the environment; without it, so many fresh ones.
    ///
    /// # Panics
    ///
    /// When the variable is set to something else than a number.
    #[must_use]
    pub fn several(count: usize) -> Vec<Self> {
        match std::env::var(VARIABLE) {
            Ok(seed) => {
                vec![Self(
                    seed.parse().unwrap_or_else(|_| panic!("{VARIABLE} is `{seed}`, which is no seed")),
                )]
            }
            Err(_) => std::iter::repeat_with(|| Self(fastrand::u64(..))).take(count).collect(),
        }
    }

    /// Begins the choices, and prints the seed where it is seen when the test fails.
    #[must_use]
    pub fn begin(self) -> fastrand::Rng {
        println!("{self}");
        fastrand::Rng::with_seed(self.0)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {0}; to see the same again: {VARIABLE}={0}", self.0)
    }
}
