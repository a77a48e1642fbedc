//! The scripts: one for each transition, each with its signature on top.

use ::redis::Script;

/// What every script begins with on a clock of one's own: it takes the time from a key, and lets nothing expire by
/// the server's. That key is not declared, so such a store needs a server that is no cluster.
const CLOCK: &str = include_str!("scripts/clock.lua");

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        pub(super) struct Scripts {
            $(pub(super) $name: Script,)*
        }

        impl Scripts {
            /// The scripts, on the server's clock; or on that which somebody keeps under a key.
            pub(super) fn new(clock: Option<&str>) -> Self {
                let begin = clock.map_or(String::new(), |key| CLOCK.replace("CLOCK_KEY", key));
                let script = |text: &str| Script::new(&format!("{begin}{text}"));
                Self { $($name: script(include_str!(concat!("scripts/", stringify!($name), ".lua"))),)* }
            }
        }

        /// The text of each script.
        const TEXTS: &[&str] = &[$(include_str!(concat!("scripts/", stringify!($name), ".lua")),)*];
    };
}

/// A line of the script that has this hash, counted from 1; on the server's clock.
pub(super) fn line(hash: &str, number: usize) -> Option<&'static str> {
    let text = TEXTS.iter().find(|text| Script::new(text).get_hash() == hash)?;
    text.lines().nth(number.checked_sub(1)?)
}

#[cfg(test)]
pub(super) fn hashes() -> impl Iterator<Item = String> {
    TEXTS.iter().map(|text| Script::new(text).get_hash().to_owned())
}

scripts! {
    enqueue, claim, settle, promote, last_tick, tick, beat, rescue, recall, cancel, call, pause, resume, paused, page, delete, locate,
    flush, prune, lead, resign,
}
