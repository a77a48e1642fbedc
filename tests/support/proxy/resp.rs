//! How long one message of Redis's protocol is, and which script a command runs.

/// The length of the whole message at the front of the bytes; nothing while a part of it is missing.
///
/// Both versions of the protocol, as far as clients without client-side caching see it.
pub(super) fn message(bytes: &[u8]) -> Option<usize> {
    let line = line(bytes)?;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).ok()?.parse::<i64>().ok();
    match bytes[0] {
        b'$' | b'=' | b'!' => {
            // A length of -1 is a null, which has no body.
            let end = line + number().and_then(|n| usize::try_from(n).ok()).map_or(0, |length| length + 2);
            (bytes.len() >= end).then_some(end)
        }
        b'*' | b'~' | b'>' => parts(bytes, line, number()),
        b'%' => parts(bytes, line, number().map(|pairs| 2 * pairs)),
        _ => Some(line),
    }
}

/// The words of a command, if it is the usual array of strings.
pub(super) fn words(command: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut rest = line(command).map_or(command, |line| &command[line..]);
    while let (Some(line), Some(end)) = (line(rest), message(rest)) {
        words.push(rest.get(line..end.saturating_sub(2)).unwrap_or_default());
        rest = &rest[end..];
    }
    words
}

fn parts(bytes: &[u8], line: usize, count: Option<i64>) -> Option<usize> {
    let mut end = line;
    for _ in 0..count.unwrap_or(0).max(0) {
        end += message(&bytes[end..])?;
    }
    Some(end)
}

/// The length of the first line, with its end.
fn line(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == b"\r\n").map(|at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::{message, words};

    #[test]
    fn a_message_ends_where_its_last_part_does() {
        let messages = [
            "+OK\r\n",
            "-ERR no\r\n",
            ":12\r\n",
            "$-1\r\n",
            "$0\r\n\r\n",
            "$4\r\na\r\nb\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
            "%1\r\n+k\r\n*1\r\n_\r\n",
        ];

        for one in messages {
            let two = format!("{one}+NEXT\r\n");
            assert_eq!(message(two.as_bytes()), Some(one.len()), "{one:?}");
            for cut in 0..one.len() {
                assert_eq!(message(&one.as_bytes()[..cut]), None, "{one:?} up to {cut}");
            }
        }
    }

    #[test]
    fn a_command_is_taken_apart_into_its_words() {
        let command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n";

        assert_eq!(words(command), [&b"SET"[..], b"k", b"\r\n"]);
    }
}
