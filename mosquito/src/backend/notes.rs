//! Small notes that are kept beside the queues: what runners are configured to, what they tell of themselves, and what job types keep.
//!
//! A note is a short text under a key. Nothing expires, and no flush of a queue removes any.

use crate::name::JobName;

/// The most notes in one [`Notebook`].
pub const NOTES_LIMIT: usize = 1_000;

/// Whose notes they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notebook {
    /// The operators', for runners; see [`Configuration`](crate::Configuration).
    Configuration,
    /// What overseers tell of themselves, each under its id; see [`OverseerReport`](crate::OverseerReport).
    Overseers,
    /// A job type's own; see [`Metadata`](crate::Metadata).
    Job(JobName),
}

/// What is to become of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteChange {
    /// It is this, whatever it was.
    Set(String),
    /// It is gone.
    Remove,
    /// It is the sum of the whole number that it was, or of 0 when there was none, and this.
    Add(i64),
    /// It is the new one, or gone, if it was as expected; nothing stands for a note that is not there.
    Swap {
        /// What it must be.
        expected: Option<String>,
        /// What it is then.
        new: Option<String>,
    },
}

/// What became of a note. It is as it was, unless it is [`Done`](Self::Done).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It was changed.
    Done {
        /// What it was; nothing when there was none.
        before: Option<String>,
        /// What it is.
        now: Option<String>,
    },
    /// It is not as expected, but this.
    Other(Option<String>),
    /// It is no whole number of 64 bits, as numbers are usually written.
    NoNumber,
    /// The sum is none that 64 bits hold.
    Overflow,
    /// The notebook has [`NOTES_LIMIT`] notes, and this would be one more.
    Full,
}

/// What a change makes of a note, where there is `room` for one more or not.
pub(crate) fn changed(change: &NoteChange, before: Option<String>, room: bool) -> Noted {
    let now = match change {
        NoteChange::Set(text) => Some(text.clone()),
        NoteChange::Remove => None,
        NoteChange::Add(summand) => match before.as_deref().map_or(Some(0), whole_number) {
            None => return Noted::NoNumber,
            Some(number) => match number.checked_add(*summand) {
                None => return Noted::Overflow,
                Some(sum) => Some(sum.to_string()),
            },
        },
        NoteChange::Swap { expected, .. } if *expected != before => return Noted::Other(before),
        NoteChange::Swap { new, .. } => new.clone(),
    };
    match (&before, &now) {
        (None, Some(_)) if !room => Noted::Full,
        _ => Noted::Done { before, now },
    }
}

/// Reads what Redis would: no other form of a number than the usual one.
fn whole_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::{NoteChange, Noted, changed};

    fn text(text: &str) -> Option<String> {
        Some(text.into())
    }

    #[test]
    fn only_a_whole_number_that_stays_one_is_added_to() {
        let add =
            |before: Option<&str>, summand| changed(&NoteChange::Add(summand), before.map(Into::into), true);

        assert_eq!(add(None, -3), Noted::Done { before: None, now: text("-3") });
        assert_eq!(add(Some("40"), 2), Noted::Done { before: text("40"), now: text("42") });
        let largest = i64::MAX.to_string();
        assert_eq!(
            add(Some(&largest), -1),
            Noted::Done { before: text(&largest), now: text("9223372036854775806") }
        );
        assert_eq!(add(Some(&largest), 1), Noted::Overflow);
        for none in ["", "1.0", "+1", "01", "-0", "\"1\"", " 1", "9223372036854775808"] {
            assert_eq!(add(Some(none), 1), Noted::NoNumber, "{none}");
        }
    }

    #[test]
    fn a_full_notebook_takes_nothing_new_and_lets_change_what_is_there() {
        let set = NoteChange::Set("b".into());

        assert_eq!(changed(&set, None, false), Noted::Full);
        assert_eq!(changed(&set, text("a"), false), Noted::Done { before: text("a"), now: text("b") });
        assert_eq!(changed(&NoteChange::Remove, None, false), Noted::Done { before: None, now: None });
    }
}
