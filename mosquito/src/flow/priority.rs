//! Which runs of a queue go first.

use std::fmt;

/// Which runs of a queue go first: a level from 0, which goes before all others, to 9. A plain run has 5.
///
/// Runs of one level go in the order in which they came. A level that was passed over a hundred times goes first once, so that
/// of a hundred runs at least one is of a less urgent level, and none starves.
///
/// ```
/// use mosquito::Priority;
///
/// assert_eq!(Priority::default(), Priority::new(5).unwrap());
/// assert!(Priority::FIRST < Priority::LAST);
/// assert!(Priority::new(10).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// The level that goes before all others: 0.
    pub const FIRST: Self = Self(0);
    /// The level that all others go before: 9.
    pub const LAST: Self = Self(9);
    /// That of a plain run: 5.
    pub const NORMAL: Self = Self(5);
    /// How many there are.
    pub const LEVELS: usize = 10;

    /// The level of a number from 0 to 9; nothing for another number.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= Self::LAST.0 { Some(Self(level)) } else { None }
    }

    /// The level of a number from 0 to 9 that is known beforehand. In a `const`, another number does not compile.
    ///
    /// ```
    /// use mosquito::Priority;
    ///
    /// const URGENT: Priority = Priority::at(2);
    /// assert_eq!(URGENT.level(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// When the number is larger than 9.
    #[must_use]
    #[track_caller]
    pub const fn at(level: u8) -> Self {
        match Self::new(level) {
            Some(priority) => priority,
            None => panic!("a priority is a level from 0 to 9"),
        }
    }

    /// Its number, from 0 to 9.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
