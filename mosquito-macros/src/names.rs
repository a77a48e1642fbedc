//! The names of jobs and queues.

use syn::LitStr;

use crate::errors::Mistakes;

const LONGEST: usize = 128;

/// Checks a name where it was written.
pub(crate) fn check_text(kind: &str, name: &LitStr, mistakes: &mut Mistakes) {
    if let Err(why) = check(kind, &name.value()) {
        mistakes.at(name, why);
    }
}

/// Checks a name, which is a `kind` such as "queue name"; the answer says what is wrong.
pub(crate) fn check(kind: &str, name: &str) -> Result<(), String> {
    let reason = if name.is_empty() {
        "it is empty".to_owned()
    } else if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        format!("it has the character {bad:?}")
    } else if name.len() > LONGEST {
        format!("it has {} characters", name.len())
    } else {
        return Ok(());
    };
    let instead = instead_of(name).map_or(String::new(), |instead| format!(", such as \"{instead}\""));
    let shown = if name.len() > LONGEST { "this" } else { &format!("{name:?}") };
    Err(format!(
        "{shown} cannot be a {kind}: {reason}; a {kind} is 1 to {LONGEST} of the characters A-Z a-z 0-9 _ . : -{instead}"
    ))
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:-".contains(c)
}

/// The name with what is not allowed taken for a hyphen, if that leaves anything of it.
fn instead_of(name: &str) -> Option<String> {
    let words: Vec<_> = name.split(|c| !allowed(c)).filter(|word| !word.is_empty()).collect();
    let instead = words.join("-");
    (name.is_ascii() && !instead.is_empty() && instead.len() <= LONGEST).then_some(instead)
}

/// A type's name as a job's: `SendWelcome` is `send_welcome`, `HTTPPing` is `http_ping`.
pub(crate) fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let word_ended = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let acronym_ended = before.is_some_and(char::is_uppercase)
            && chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (word_ended || acronym_ended) {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::{check, snake_case};

    #[test]
    fn a_job_is_called_like_its_struct() {
        for (of, name) in [
            ("SendWelcome", "send_welcome"),
            ("SendWelcome2", "send_welcome2"),
            ("HTTPPing", "http_ping"),
            ("PingHTTP", "ping_http"),
            ("Utf8Check", "utf8_check"),
            ("A", "a"),
            ("X9Y", "x9_y"),
            ("already_snake", "already_snake"),
            ("Send_Welcome", "send_welcome"),
            ("_Hidden", "_hidden"),
        ] {
            assert_eq!(snake_case(of), name);
        }
    }

    #[test]
    fn a_refused_name_is_told_what_is_wrong_and_what_would_be_right() {
        let told = |name: &str| check("queue name", name).unwrap_err();

        assert!(told("").contains("it is empty"));
        assert!(told("bulk mail").contains("it has the character ' '"));
        assert!(told("bulk mail").ends_with("such as \"bulk-mail\""));
        assert!(told("{mail}").ends_with("such as \"mail\""));
        assert!(told("märz").ends_with("0-9 _ . : -"));
        assert!(told(&"x".repeat(129)).contains("it has 129 characters"));
        assert!(check("queue name", "eu:mail.v2-bulk_1").is_ok());
    }
}
