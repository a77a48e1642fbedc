//! The `#[job]` attribute of mosquito: parse, validate, expand.
//!
//! An attribute is read as far as it can be read, and all its mistakes are told at once, each at its own
//! token. The struct is written out in any case, so that one mistake does not cause another.

mod args;
mod backoff;
mod borrowed;
mod cron;
mod duration;
mod entry;
mod errors;
mod expand;
mod input;
mod keys;
mod names;
mod retry;
mod suggest;
mod timezone;
mod validate;

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
/// | `queue = "mail"` | the queue its runs are enqueued in: 1 to 128 of `A-Z a-z 0-9 _ . : -` | `"default"` |
/// | `retry(..)` | how a failed run is tried again, see [below](#retries) | 20 attempts, exponential from 2 s to 6 h, jitter 0.2; a periodic job is not retried |
/// | `timeout = "30s"` | how long one attempt may take: a [duration](#durations) | as long as it likes |
/// | `every = "1m"` | performed by itself, each time so long after the last: a [duration](#durations) | only when enqueued |
/// | `cron = "0 6 * * MON-FRI"` | performed by itself when the pattern matches, see [below](#schedules) | only when enqueued |
/// | `timezone = "Europe/Berlin"` | the time zone of `cron`: an IANA name | `"UTC"` |
/// | `missed = "once"` | what becomes of ticks that passed while nothing ran: `"once"` performs one run for all of them, `"skip"` none, `"all"` one for each | `"once"` |
/// | `overlap = "skip"` | what happens at a tick while the last one's run is unfinished: `"skip"` lets it pass, `"allow"` performs both | `"skip"` |
/// | `state(Mailer, db::Pool)` | the types of the application that `Context::state` gives it | none |
/// | `blocking` | it holds its thread: implement `PerformBlocking` instead of `Perform` | it is `async` |
/// | `crate = "jobs::mosquito"` | the path of the mosquito crate, where it is renamed or re-exported | `::mosquito` |
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
/// A periodic job that has fields is performed with those of its `Default`.
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
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::define;

    fn written(args: TokenStream, item: TokenStream) -> String {
        define(args, item).to_string().replace(' ', "")
    }

    #[test]
    fn a_renamed_crate_is_called_by_its_new_name_alone() {
        let args = quote!(
            crate = "jobs::framework",
            retry(attempts = 2, backoff = linear("2s")),
            timeout = "5s",
            cron = "@daily",
            overlap = "allow",
            state(Mailer)
        );

        let code = written(
            args,
            quote!(
                struct Greet(String);
            ),
        );

        assert!(code.contains("jobs::framework::__private::Job"), "{code}");
        assert!(!code.contains("mosquito"), "{code}");
    }

    #[test]
    fn the_item_is_written_out_whatever_is_wrong() {
        let items = [
            quote!(
                struct Greet {
                    name: String,
                }
            ),
            quote!(
                struct Greet<T>(T);
            ),
            quote!(
                enum Greet {
                    Morning,
                }
            ),
            quote!(
                fn greet() {}
            ),
            quote!(
                trait Greet {}
            ),
        ];
        for item in items {
            let code = written(quote!(qeue = "mail", timeout = 5), item.clone());

            assert!(code.contains(&item.to_string().replace(' ', "")), "{code}");
            assert!(code.matches("compile_error!").count() >= 2, "{code}");
        }
    }

    #[test]
    fn a_job_with_mistakes_is_a_job_that_nothing_needs_to_perform() {
        let code = written(
            quote!(timeout = "soon", state(Mailer)),
            quote!(
                struct Greet;
            ),
        );

        assert!(code.contains("__private::JobforGreet"), "{code}");
        assert!(code.contains("__private::NeedsState<Mailer>forGreet"), "{code}");
        assert!(!code.contains("Registration"), "{code}");
    }

    #[test]
    fn a_periodic_job_asks_for_a_default_only_where_it_has_fields() {
        let ticking = |item| written(quote!(every = "1m"), item).contains(".ticking::<Greet>()");

        assert!(!ticking(quote!(
            struct Greet;
        )));
        assert!(ticking(quote!(
            struct Greet {
                name: String,
            }
        )));
        assert!(
            ticking(quote!(
                struct Greet {}
            )),
            "serde makes an object of it"
        );
        assert!(ticking(quote!(
            struct Greet(String);
        )));
    }
}
