//! Finds what somebody probably meant.

/// How alike two words must be, from 0 to 1, for one to be a likely slip for the other.
const ALIKE: f64 = 0.8;

/// The choice that is most like the word, if any is much like it.
pub(crate) fn nearest<'a>(word: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    choices
        .into_iter()
        .map(|choice| (likeness(&word, &choice.to_lowercase()), choice))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, choice)| choice)
}

/// From 0 to 1. In a short word, one slip is much; it is a likely one nevertheless.
fn likeness(word: &str, choice: &str) -> f64 {
    let one_slip = word.len() > 2 && strsim::damerau_levenshtein(word, choice) == 1;
    strsim::jaro_winkler(word, choice).max(if one_slip { ALIKE } else { 0.0 })
}

/// "`a`, `b` and `c`".
pub(crate) fn listed(choices: &[&str]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// "`retry` has no `atempts`, did you mean `attempts`? its parts are ..", of a complaint, the word and the
/// sentence that lists the choices.
pub(crate) fn unknown(complaint: &str, word: &str, choices: &[&str], sentence: &str) -> String {
    let listed = listed(choices);
    match nearest(word, choices.iter().copied()) {
        Some(meant) => format!("{complaint} `{word}`, did you mean `{meant}`? {sentence} {listed}"),
        None => format!("{complaint} `{word}`; {sentence} {listed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{listed, nearest};

    #[test]
    fn a_slip_of_the_keyboard_finds_what_was_meant() {
        let keys = ["name", "queue", "retry", "timeout", "timezone"];

        assert_eq!(nearest("qeue", keys), Some("queue"));
        assert_eq!(nearest("retires", keys), Some("retry"));
        assert_eq!(nearest("Timeout", keys), Some("timeout"));
        assert_eq!(nearest("time_zone", keys), Some("timezone"));
    }

    #[test]
    fn a_word_like_no_other_is_not_guessed_at() {
        assert_eq!(nearest("colour", ["name", "queue", "retry", "timeout"]), None);
    }

    #[test]
    fn choices_are_listed_as_one_reads_them() {
        assert_eq!(listed(&["once"]), "`once`");
        assert_eq!(listed(&["once", "skip", "all"]), "`once`, `skip` and `all`");
    }
}
