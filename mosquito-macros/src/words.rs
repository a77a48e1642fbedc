//! Values that are one of a few words: `missed = "once"`.

use syn::LitStr;

use crate::errors::Mistakes;
use crate::suggest;

/// What a word stands for; the first of the choices where none was given, or none of them.
pub(crate) fn choice<T: Copy, const N: usize>(
    key: &str,
    given: Option<&LitStr>,
    choices: [(&str, T); N],
    mistakes: &mut Mistakes,
) -> T {
    let words = choices.map(|(word, _)| word);
    let chosen = given.and_then(|given| one_of(key, given, &words, mistakes));
    choices[chosen.unwrap_or(0)].1
}

/// Which of the words it is.
pub(crate) fn one_of(key: &str, given: &LitStr, words: &[&str], mistakes: &mut Mistakes) -> Option<usize> {
    let word = given.value();
    let found = words.iter().position(|choice| *choice == word);
    if found.is_none() {
        let quoted: Vec<_> = words.iter().map(|choice| format!("\"{choice}\"")).collect();
        let meant = match suggest::nearest(&word, words.iter().copied()) {
            Some(meant) => format!(", did you mean \"{meant}\"?"),
            None => ";".to_owned(),
        };
        let message = format!("`{key}` cannot be {word:?}{meant} it is one of {}", quoted.join(", "));
        mistakes.at(given, message);
    }
    found
}
