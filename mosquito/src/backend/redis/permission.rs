//! Says what a user of the server may not do that mosquito needs.

use ::redis::RedisError;

use super::scripts;

/// What a user lacks, if that is what an error says.
///
/// The server names the command that was sent. Of one within a script it tells only the line, on which it is found.
pub(super) fn refusal(error: &RedisError) -> Option<String> {
    let text = error.to_string();
    let keys = "its user may not use keys that mosquito needs: give it `~mosquito:*`, or with the prefix that was chosen instead";
    if text.contains("NOPERM") || text.contains("NoPerm") {
        let command = text.split_once("run the '").and_then(|(_, rest)| rest.split_once('\''));
        return Some(match command {
            Some((command, _)) => command_refusal(&[command.to_lowercase()]),
            None if text.contains("key") => keys.into(),
            None => "its user may not do what mosquito needs".into(),
        });
    }
    if !text.contains("The user executing the script can't") {
        return None;
    }
    if text.contains("can't access") {
        return Some(keys.into());
    }
    Some(command_refusal(&place(&text).map(commands_of).unwrap_or_default()))
}

fn command_refusal(commands: &[String]) -> String {
    let all: Vec<_> = commands.iter().map(|command| format!("`+{command}`")).collect();
    match &*all {
        [] => "its user may not run a command that mosquito needs within its scripts".into(),
        [one] => format!("its user may not run a command that mosquito needs: give it {one}"),
        several => {
            format!("its user may not run a command that mosquito needs: give it {}", several.join(", "))
        }
    }
}

/// The line of a script that an error speaks of: `script: HASH, on @user_script:12.`, or before Redis 7
/// `call to f_HASH): @user_script:12:`.
fn place(text: &str) -> Option<&'static str> {
    let after = |mark| text.split_once(mark).map(|(_, rest)| rest);
    let hash = after("script: ").or_else(|| after("call to f_"))?.get(..40)?;
    let number: String = after("@user_script:")?.chars().take_while(char::is_ascii_digit).collect();
    scripts::line(hash, number.parse().ok()?)
}

/// The commands that a line calls, as an access list names them.
fn commands_of(line: &str) -> Vec<String> {
    let calls = line.split("redis.call('").skip(1);
    calls.filter_map(|rest| rest.split_once('\'')).map(|(command, _)| command.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::{commands_of, place};
    use crate::backend::redis::scripts;

    #[test]
    fn a_line_of_a_script_is_found_as_old_and_new_servers_tell_it() {
        let hash = scripts::hashes().next().expect("there are scripts");

        for text in [
            format!("ERR The user executing … script: {hash}, on @user_script:1."),
            format!("ERR Error running script (call to f_{hash}): @user_script:1: The user executing …"),
        ] {
            assert!(place(&text).is_some_and(|line| line.starts_with("-- KEYS[1] ")), "{text}");
        }
        assert_eq!(place("ERR something else"), None);
    }

    #[test]
    fn the_commands_of_a_line_are_told_as_an_access_list_names_them() {
        let line = "local a, b = redis.call('LLEN', KEYS[1]), redis.call('HGET', KEYS[2], 'x')";

        assert_eq!(commands_of(line), ["llen", "hget"]);
    }
}
