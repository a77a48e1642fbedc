//! The names of partitions: a queue's own, `~` and a number.
//!
//! Nobody's queue is called so by chance: `~` stands in no other name.

use super::QueueName;

/// The most partitions of one queue.
pub(crate) const MOST_PARTITIONS: u32 = 64;

impl QueueName {
    /// The partition of this queue that has a number, from 0: `events~3`. Of a partition, one beside it.
    ///
    /// Nothing from 64 on: no queue has so many.
    ///
    /// ```
    /// use mosquito::QueueName;
    ///
    /// let events = QueueName::new("events")?;
    /// let third = events.at_partition(3).expect("3 is below 64");
    ///
    /// assert_eq!(third.as_str(), "events~3");
    /// assert_eq!((third.partition(), third.whole()), (Some(3), events));
    /// # Ok::<(), mosquito::NameError>(())
    /// ```
    #[must_use]
    pub fn at_partition(&self, number: u32) -> Option<Self> {
        (number < MOST_PARTITIONS).then(|| Self(format!("{}~{number}", self.whole_str()).into()))
    }

    /// The number of the partition that it names; nothing when it names a whole queue.
    #[must_use]
    pub fn partition(&self) -> Option<u32> {
        let (_, number) = self.as_str().split_once('~')?;
        number.parse().ok()
    }

    /// The queue that it is, or that it is a partition of.
    #[must_use]
    pub fn whole(&self) -> Self {
        match self.as_str().split_once('~') {
            None => self.clone(),
            Some((whole, _)) => Self(whole.into()),
        }
    }

    /// The name of the [whole](Self::whole) queue.
    pub(crate) fn whole_str(&self) -> &str {
        self.as_str().split_once('~').map_or(self.as_str(), |(whole, _)| whole)
    }

    /// Whether it names a partition.
    pub(crate) fn is_partition(&self) -> bool {
        self.as_str().contains('~')
    }
}

/// What stands before the number of a partition, if what stands behind it is one.
pub(super) fn whole_of(name: &str) -> Result<&str, String> {
    match name.split_once('~') {
        None => Ok(name),
        Some((whole, number)) if (0..MOST_PARTITIONS).any(|known| known.to_string() == number) => Ok(whole),
        Some((_, number)) => {
            Err(format!("`~{number}` is no partition, which has a number from 0 to {}", MOST_PARTITIONS - 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::QueueName;

    #[test]
    fn a_partition_is_called_like_its_queue_and_numbered() {
        let third = QueueName::new("events~3").unwrap();

        assert_eq!((third.whole_str(), third.partition(), third.is_partition()), ("events", Some(3), true));
        assert_eq!(third.at_partition(63).unwrap().as_str(), "events~63");
        assert_eq!(third.at_partition(64), None);
        let whole = third.whole();
        assert_eq!((whole.as_str(), whole.partition(), whole.is_partition()), ("events", None, false));
    }

    #[test]
    fn no_other_queue_can_be_called_like_a_partition() {
        for wrong in ["events~", "events~64", "events~03", "events~+3", "events~a", "events~1~2", "~", "~1"] {
            let told = QueueName::new(wrong).unwrap_err().to_string();
            assert!(told.contains("is no partition") || told.contains("it is empty"), "{told}");
        }
    }

    #[test]
    fn the_longest_name_can_have_partitions() {
        let longest = QueueName::new("q".repeat(128)).unwrap();

        let last = longest.at_partition(63).unwrap();

        assert_eq!(QueueName::new(last.as_str()), Ok(last));
    }
}
