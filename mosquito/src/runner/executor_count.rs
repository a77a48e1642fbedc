//! How many executors the environment wants.

use std::env;
use std::ffi::OsStr;

/// Overrides what the code says: whoever operates a process knows its machine.
const VARIABLE: &str = "MOSQUITO_EXECUTOR_COUNT";

/// The count, or what is wrong with it; nothing when the environment says nothing.
pub(super) fn of_environment() -> Option<Result<usize, String>> {
    read(&env::var_os(VARIABLE)?)
}

fn read(value: &OsStr) -> Option<Result<usize, String>> {
    // What is set to nothing says nothing: that is how it is taken away in many a deployment.
    let value = value.to_string_lossy();
    let count = value.trim();
    if count.is_empty() {
        return None;
    }
    Some(match count.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err(format!(
            "the environment variable `{VARIABLE}` is `{value}`: a whole number from 1 on belongs there, or nothing"
        )),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::read;

    #[test]
    fn a_number_from_one_on_is_a_count_and_nothing_else_is() {
        let read = |value: &str| read(OsStr::new(value));

        assert_eq!((read("12"), read(" 1\n")), (Some(Ok(12)), Some(Ok(1))));
        assert_eq!((read(""), read("  ")), (None, None));
        for wrong in ["0", "-1", "1.5", "5O", "many", "99999999999999999999999"] {
            let problem = read(wrong).unwrap().unwrap_err();
            assert!(problem.contains(&format!("`{wrong}`: a whole number from 1 on")), "{problem}");
        }
    }
}
