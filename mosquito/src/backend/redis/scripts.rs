//! The scripts: one for each transition, each with its signature on top.

use std::sync::LazyLock;

use ::redis::Script;

macro_rules! scripts {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("scripts/", $file))));)*
    };
}

scripts! {
    ENQUEUE = "enqueue.lua",
    CLAIM = "claim.lua",
    SETTLE = "settle.lua",
    PROMOTE = "promote.lua",
    LAST_TICK = "last_tick.lua",
    TICK = "tick.lua",
    BEAT = "beat.lua",
    RESCUE = "rescue.lua",
    PAUSE = "pause.lua",
    RESUME = "resume.lua",
    PAUSED = "paused.lua",
    PAGE = "page.lua",
    DELETE = "delete.lua",
    LOCATE = "locate.lua",
    FLUSH = "flush.lua",
    PRUNE = "prune.lua",
    LEAD = "lead.lua",
    RESIGN = "resign.lua",
}
