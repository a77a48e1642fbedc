//! How a test says what it expects: the macros.

/// Asserts that a run is enqueued: that it stands in `waiting` or `scheduled`. To be used in an `async` function.
///
/// First the [`Testing`](crate::testing::Testing), then the job with the fields that matter. Each value is compared by
/// `==` and not moved, so it may be any expression; `..` leaves the others aside, without it every field has to be
/// given. Then, if it matters:
///
/// - `queue = "mail"`: the queue that it stands in.
/// - `within = "10m"`, or a `Duration`: it waits already, or is due by then.
/// - `delay = "10m"`: it is due exactly then.
/// - `count = 2`: how many such runs there are; without it, at least one.
/// - `matching = |job: &Greet| job.0 == "Ada"`: any other condition, also for jobs whose fields have no names.
///
/// ```standalone_crate
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job(queue = "mail")] struct SendWelcome { user_id: u64, template: String }
/// # impl Perform for SendWelcome { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use std::time::Duration;
/// use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};
///
/// let testing = Testing::record().await?;
/// testing.enqueue(SendWelcome { user_id: 7, template: "hi".into() }).delay(Duration::from_secs(300)).await?;
///
/// assert_enqueued!(testing, SendWelcome { user_id: 7, template: "hi" });
/// assert_enqueued!(testing, SendWelcome { user_id: 3 + 4, .. }, queue = "mail", within = "10m", count = 1);
/// refute_enqueued!(testing, SendWelcome { user_id: 8, .. });
/// refute_enqueued!(testing, SendWelcome, within = "1m");
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When there is none: with a list of what is enqueued instead, which says of each run of that job what is not as it
/// was expected. The arguments that a job [redacts](macro@crate::job#redacted-fields) are not shown.
#[macro_export]
#[doc(hidden)]
macro_rules! assert_enqueued {
    ($testing:expr, $($expected:tt)+) => {
        match $testing.standing().await {
            ::core::result::Result::Ok(standing) => {
                if let ::core::result::Result::Err(why) = $crate::__expected!($($expected)+).is_in(&standing) {
                    ::core::panic!("{}", why);
                }
            }
            ::core::result::Result::Err(error) => ::core::panic!("what is enqueued cannot be read: {:?}", error),
        }
    };
}

/// Asserts that no such run is enqueued. It takes what [`assert_enqueued!`](crate::testing::assert_enqueued) takes.
///
/// # Panics
///
/// When there is one: with a list of what is enqueued.
#[macro_export]
#[doc(hidden)]
macro_rules! refute_enqueued {
    ($testing:expr, $($expected:tt)+) => {
        match $testing.standing().await {
            ::core::result::Result::Ok(standing) => {
                if let ::core::result::Result::Err(why) = $crate::__expected!($($expected)+).is_not_in(&standing) {
                    ::core::panic!("{}", why);
                }
            }
            ::core::result::Result::Err(error) => ::core::panic!("what is enqueued cannot be read: {:?}", error),
        }
    };
}

/// What stands behind the first comma of `assert_enqueued!`, as an [`Expected`](crate::testing::Expected).
#[macro_export]
#[doc(hidden)]
macro_rules! __expected {
    // Some of the fields.
    ($job:path { $($field:ident $(: $value:expr)?,)* .. } $(, $key:ident = $setting:expr)* $(,)?) => {
        $crate::testing::Expected::<$job>::new(::core::stringify!($job { $($field $(: $value)?,)* .. }))
            $(.field(::core::stringify!($field), &$crate::__value!($field $(, $value)?), |job, value| $crate::testing::is(&job.$field, value)))*
            $(.$key($setting))*
    };
    // All of them: a forgotten one is a compile error.
    ($job:path { $($field:ident $(: $value:expr)?),* $(,)? } $(, $key:ident = $setting:expr)* $(,)?) => {
        $crate::testing::Expected::<$job>::whole(
            ::core::stringify!($job { $($field $(: $value)?),* }),
            |job| { let $job { $($field: _),* } = job; },
        )
            $(.field(::core::stringify!($field), &$crate::__value!($field $(, $value)?), |job, value| $crate::testing::is(&job.$field, value)))*
            $(.$key($setting))*
    };
    // Whatever they are.
    ($job:path $(, $key:ident = $setting:expr)* $(,)?) => {
        $crate::testing::Expected::<$job>::new(::core::stringify!($job)) $(.$key($setting))*
    };
}

/// The value that a field is compared with: a variable of its name, unless another is given.
#[macro_export]
#[doc(hidden)]
macro_rules! __value {
    ($field:ident) => {
        $field
    };
    ($field:ident, $value:expr) => {
        $value
    };
}
