//! The `#[job]` attribute of mosquito: parse, validate, expand.
//!
//! An attribute is read as far as it can be read, and all its mistakes are told at once, each at its own
//! token. The struct is written out in any case, so that one mistake does not cause another.

mod args;
mod assumed;
mod backoff;
mod borrowed;
mod cron;
mod duration;
mod entry;
mod errors;
mod expand;
mod fair;
mod fields;
mod flow;
mod input;
mod keys;
mod limits;
mod names;
mod parts;
mod queue;
mod redact;
mod retry;
mod schedule;
mod serde_names;
mod suggest;
mod timezone;
mod unique;
mod validate;
mod weight;
mod words;

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::errors::Mistakes;
use crate::input::Input;
use crate::validate::Definition;

/// Makes a struct a background job, whose fields are its arguments.
///
/// ```text
/// #[job(queue = "mail", retry(attempts = 8, backoff = exponential("2s", max = "1h")), timeout = "30s", state(Mailer))]
/// pub struct SendWelcome {
///     pub user_id: u64,
///     pub template: String,
/// }
///
/// #[job(every = "1m")]
/// struct SweepSessions;
///
/// #[job(cron = "0 6 * * MON-FRI", timezone = "Europe/Berlin")]
/// struct DailyReport;
/// ```
///
/// The struct derives serde's `Serialize` and `Deserialize`, implements `Job`, and registers itself, so that
/// a runner finds it; what performing it means is said by `impl Perform`. Its fields may be anything that
/// serializes and owns what it has; `#[serde(..)]` attributes on them and on the struct work as usual, and
/// need no dependency on serde.
///
/// # Keys
///
/// | key | value | default |
/// |---|---|---|
/// | `name = "send_welcome"` | the name its runs are stored under: 1 to 128 of `A-Z a-z 0-9 _ . : -` | the struct's in snake_case |
/// | `aliases("old_name", "older_name")` | names that it had before, under which runs may still be waiting | none |
/// | `version = 2` | the version of its arguments, see [below](#payload-versions) | 1 |
/// | `queue = "mail"` | the queue its runs are enqueued in: 1 to 128 of `A-Z a-z 0-9 _ . : -`; one with partitions is `queue(..)`, see [below](#partitions) | `"default"` |
/// | `retry(..)` | how a failed run is tried again, see [below](#retries) | 20 attempts, exponential from 2 s to 6 h, jitter 0.2; a periodic job is not retried |
/// | `timeout = "30s"` | how long one attempt may take: a [duration](#durations) | as long as it likes |
/// | `deadline = "1h"` | how long all attempts may take together, from when the first began; no shorter than `timeout`: a [duration](#durations) | as long as they like |
/// | `every = "1m"` | performed by itself, each time so long after the last: a [duration](#durations) | only when enqueued |
/// | `cron = "0 6 * * MON-FRI"` | performed by itself when the pattern matches, see [below](#schedules) | only when enqueued |
/// | `timezone = "Europe/Berlin"` | the time zone of `cron`: an IANA name | `"UTC"` |
/// | `missed = "once"` | what becomes of ticks that passed while nothing ran: `"once"` performs one run for all of them, `"skip"` none, `"all"` one for each | `"once"` |
/// | `overlap = "skip"` | what happens at a tick while the last one's run is unfinished: `"skip"` lets it pass, `"allow"` performs both | `"skip"` |
/// | `args = Self { region: "eu".into() }` | its arguments at each tick, where it is periodic: an expression of its own type, evaluated each time | those of its `Default`; none where it has no fields |
/// | `state(Mailer, db::Pool)` | the types of the application that `Context::state` gives it | none |
/// | `blocking` | it holds its thread: implement `PerformBlocking` instead of `Perform` | it is `async` |
/// | `unique(..)` | at most one run of the same arguments, see [below](#uniqueness) | any number of runs |
/// | `rate_limit(..)` | so many runs start in a time, see [below](#limits) | no limit |
/// | `concurrency(..)` | so many runs are performed at once, see [below](#limits) | no limit |
/// | `fair(..)` | tenants take turns, see [below](#fairness) | in the order of their enqueueing |
/// | `priority = 5` | which runs of a queue go first: from 0, before all others, to 9 | 5 |
/// | `expires = "1h"` | a run that has waited longer for its first attempt, since it was due, is not performed any more: a [duration](#durations) | it waits as long as it takes |
/// | `keep_successful = "1h"` | how long a run that succeeded is kept: a [duration](#durations) | *refused in this version*: it is forgotten |
/// | `keep_dead = "30d"` | how long a dead run is kept: a [duration](#durations) | *refused in this version*: 90 days |
/// | `sync_ack` | what became of a run is on record before its executor takes the next one: so a process that dies has at most one for each executor performed again, for a round trip each | a few milliseconds later |
/// | `crate = "jobs::mosquito"` | the path of the mosquito crate, where it is renamed or re-exported | `::mosquito` |
///
/// A key that is *refused in this version* is read and checked, and then refused: a key that does nothing
/// would be worse than an error.
///
/// # Durations
///
/// Text of whole numbers with the units `ms`, `s`, `m`, `h` and `d`, the largest first: `"30s"`, `"1h 30m"`.
/// From `"1ms"` to `"36500d"`.
///
/// # Retries
///
/// `retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2)`, of which each part may be
/// left out and is then as in the default.
///
/// - `attempts` is how many there are in all, the first one included: `attempts = 1` is never to retry.
/// - `backoff` is how long a failed run waits before its next attempt, after the `n`th failed: the same each
///   time by `fixed("2s")`, `2s × n` by `linear("2s")`, `2s × n²` by `quadratic("2s")`, `2s × 2ⁿ⁻¹` by
///   `exponential("2s")`. All but the first take the longest wait, `max = "1h"`, which is 6 h unless given.
/// - `jitter` is how far the wait may differ at random, as a share of it: 0 to 1.
///
/// # Schedules
///
/// A cron pattern has five fields: minute, hour, day of month, month and day of week; a sixth in front is
/// the second. A field is `*`, a number, a range `1-5`, a step `*/10`, or several parted by commas; months and
/// days of the week have names, `JAN` and `MON`. `L` is the last day of the month, `15W` the weekday
/// nearest to the 15th, `MON#2` the second Monday, `FRIL` the last Friday. `@hourly`, `@daily`, `@weekly`,
/// `@monthly` and `@yearly` are patterns too. One that never fires, such as the 30th of February, is refused.
///
/// A periodic job that has fields says by `args = ..` what they are at each tick, or by its `Default`:
///
/// ```text
/// #[job(every = "1h", args = Self::new("eu"))]
/// struct Rates {
///     region: String,
/// }
/// ```
///
/// # Payload versions
///
/// Runs that an older release enqueued may be waiting when the struct changes. A field may be added with
/// `#[serde(default)]`, removed, or renamed with `#[serde(alias = "old_name")]`, without more ado. For any
/// other change, raise `version` and `impl Upgrade`, which makes today's job from the arguments of an
/// earlier version. A run of a later version than this process knows waits for one that knows it.
///
/// # Redacted fields
///
/// `#[job(redact)]` on a field keeps its value out of whatever shows arguments, and of the error when they
/// do not decode. It is stored all the same: `perform` needs it.
///
/// ```text
/// #[job]
/// struct Charge {
///     order: u64,
///     #[job(redact)]
///     card_number: String,
/// }
/// ```
///
/// The field is found by the names that serde gives it, `rename`, `rename_all` and `alias` included; with
/// `flatten` on the field, or `into`, `from` and `try_from` on the struct, it would have none, which is refused.
///
/// # Uniqueness
///
/// `unique(by = [user_id, tenant], until = "finish", on_conflict = "return")`, of which each part may be left out, and `unique`
/// alone. It holds within one queue.
///
/// - `by` names the fields by which two runs are the same, in tuple structs by place, `by = [0]`: all, unless given.
/// - `until` is the moment after which the next one may be enqueued: `"start"`, `"finish"`, or
///   `"start_then_while_running"`, by which one waits while one runs. `"finish"`, unless given. Instead of it, `for = "1h"`
///   is a time from the enqueueing on. Whatever is said, a run that is dead or deleted keeps nobody away.
/// - `on_conflict` is what becomes of the second: `"return"` enqueues nothing and answers with the run that is there, `"replace"`
///   gives that one the new arguments, unless it is being performed, `"reject"` is an error, `"keep_latest"` is as `"replace"`, and while one is
///   being performed one more waits, which the latest replaces. A periodic job cannot `"replace"`: its ticks have `overlap`.
///
/// # Limits
///
/// A run over a limit stays where it is, costs no attempt, and does not hold up runs under other keys. A limit holds within one queue, for all
/// processes together.
///
/// - `rate_limit(limit = 100, per = "1s", by = [tenant], key = "stripe", weight = 1, kind = "sliding")`: `limit`, up to 1,000,000, and `per`, up to
///   `"90d"`, are needed. `by` gives each value of these fields a limit of its own, `key` shares one limit between jobs that all
///   say the same `limit`, `per` and `kind`, and a run uses up its [`weight`](#weights). `kind` is `"sliding"`, never more than the limit in any time as long as `per`;
///   `"token_bucket"`, a burst of the limit and then an even flow; or `"fixed"`, from one multiple of `per` to the next.
/// - `concurrency(limit = 3, by = [tenant], key = "stripe")`: `limit` is needed.
///
/// # Fairness
///
/// `fair(by = [tenant], weight = 2)`: the runs of each value of these fields wait in a line of their own, and the lines take turns. So a
/// tenant with a million runs does not hold up one with three. `by` is needed; at each turn as many runs go as the [`weight`](#weights) of the first of them says, 1 unless given.
///
/// # Partitions
///
/// `queue("events", partitions = 8, by = [user_id])`: a queue that is too big for one node of a Redis Cluster is kept in so many parts, 1 to 64, which
/// are spread over the nodes. Runs of the same values in the fields of `by` are in one part, and in order there; without it a run goes
/// into any. All jobs of the queue say the same `partitions`, and none of them is periodic. What the job is `unique` by, or limited by, has
/// to name the fields of `by` too, since both hold within one part.
///
/// # Weights
///
/// A whole number, the name of a field that is one, or an expression over `self`, evaluated at each enqueue: `weight = self.pages.len()`. Below 1
/// it is 1.
#[proc_macro_attribute]
pub fn job(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    define(args.into(), item.into()).into()
}

fn define(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = Args::parse(args, &mut mistakes);
    let item = match Input::parse(item, &mut mistakes) {
        Ok(input) => {
            let job = Definition::validate(input, args, &mut mistakes);
            if mistakes.is_empty() { expand::job(&job) } else { expand::stand_in(&job) }
        }
        Err(item) => item,
    };
    let mistakes = mistakes.into_compile_errors();
    quote!(#item #mistakes)
}

#[cfg(test)]
mod tests;
