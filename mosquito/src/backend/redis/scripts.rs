//! The scripts: one for each transition, each with its signature on top.

use ::redis::Script;

/// What every script begins with on a clock of one's own: it takes the time from a key, and lets nothing expire by
/// the server's. That key is not declared, so such a store needs a server that is no cluster.
const CLOCK: &str = include_str!("scripts/clock.lua");

/// A script behind what it shares with others.
macro_rules! text {
    ([$($part:literal),*] $name:ident) => {
        concat!($(include_str!(concat!("scripts/", $part, ".lua")),)* include_str!(concat!("scripts/", stringify!($name), ".lua")))
    };
    ([$($part:literal),*] $name:ident $file:ident) => {
        text!([$($part),*] $file)
    };
}

macro_rules! scripts {
    ($($before:tt $($name:ident $(as $file:ident)?),+;)+) => {
        pub(super) struct Scripts {
            $($(pub(super) $name: Script,)+)+
        }

        impl Scripts {
            /// The scripts, on the server's clock; or on that which somebody keeps under a key.
            pub(super) fn new(clock: Option<&str>) -> Self {
                let begin = clock.map_or(String::new(), |key| CLOCK.replace("CLOCK_KEY", key));
                let script = |text: &str| Script::new(&format!("{begin}{text}"));
                Self { $($($name: script(text!($before $name $($file)?)),)+)+ }
            }
        }

        /// The text of each script.
        const TEXTS: &[&str] = &[$($(text!($before $name $($file)?),)+)+];
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
    [] last_tick, ticked, beat, pause, resume, paused, paused_jobs, everything, hold, list, listed, note, call, page, locate, flush, prune, lead, resign, limit, holder;
    // By themselves these are for queues without flows, and cost nothing for what they do not have.
    [] enqueue;
    ["settle", "claim"] exchange;
    ["flow"] flowing_enqueue as enqueue, promote, tick, rescue, recall, cancel, delete, pause_job, resume_job;
    ["flow", "pick", "settle", "claim"] flowing_exchange as exchange;
}
