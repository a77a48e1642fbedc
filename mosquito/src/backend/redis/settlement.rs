//! How settlements are told to their script.

use ::redis::ScriptInvocation;

use crate::backend::{Fate, Settlement};
use crate::clock::millis;
use crate::job_run::History;

/// For each its run, its claim and its fate.
pub(super) fn tell(call: &mut ScriptInvocation<'_>, settlements: &[Settlement]) {
    for one in settlements {
        call.arg(one.id.as_str()).arg(&one.token.0);
        match &one.fate {
            Fate::Forget => call.arg("f"),
            Fate::HandBack => call.arg("h"),
            Fate::Banish { history } => call.arg("b").arg(json(history)),
            Fate::Reschedule { delay, history } => call.arg("r").arg(json(history)).arg(millis(*delay)),
        };
    }
}

fn json(history: &History) -> String {
    serde_json::to_string(history).expect("numbers and text serialize")
}
