//! What a test says is enqueued, and what it is told when that is not so.

use std::time::Duration;

use crate::clock;
use crate::job::Job;
use crate::testing::Performed;
use crate::testing::standing::{Standing, Stood, duration};

/// What a test expects to be enqueued: what [`assert_enqueued!`](crate::testing::assert_enqueued) makes of its words.
#[must_use = "nothing is expected until it is checked"]
pub struct Expected<'a, J> {
    fields: Vec<(&'static str, Check<'a, J>)>,
    said: &'static str,
    queue: Option<String>,
    within: Option<Duration>,
    count: Option<usize>,
}

type Check<'a, J> = Box<dyn Fn(&J) -> bool + 'a>;

/// A span of time, as a duration or as text: `"10m"`.
pub trait Span {
    /// The duration.
    ///
    /// # Panics
    ///
    /// When the text is none.
    fn duration(self) -> Duration;
}

impl Span for Duration {
    fn duration(self) -> Duration {
        self
    }
}

impl Span for &str {
    fn duration(self) -> Duration {
        match humantime::parse_duration(self) {
            Ok(duration) => duration,
            Err(why) => panic!("`{self}` is no duration, as `10m` or `1h 30m` is: {why}"),
        }
    }
}

impl<'a, J: Job> Expected<'a, J> {
    /// Some run of the job; `said` is how the test says it.
    pub fn new(said: &'static str) -> Self {
        Self { fields: Vec::new(), said, queue: None, within: None, count: None }
    }

    /// Whose field is as it should be.
    pub fn field(mut self, name: &'static str, is_right: impl Fn(&J) -> bool + 'a) -> Self {
        self.fields.push((name, Box::new(is_right)));
        self
    }

    /// That is as it should be in all.
    pub fn matching(self, is_right: impl Fn(&J) -> bool + 'a) -> Self {
        self.field("matching", is_right)
    }

    /// That stands in this queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// That waits already, or is due within this time from now.
    pub fn within(mut self, time: impl Span) -> Self {
        self.within = Some(time.duration());
        self
    }

    /// So many of them, and no more.
    pub fn count(mut self, runs: usize) -> Self {
        self.count = Some(runs);
        self
    }

    /// Checks that there are such runs.
    ///
    /// # Errors
    ///
    /// When there are none, or another number than was expected: what there is instead, line by line.
    pub fn is_in(&self, standing: &Standing) -> Result<(), String> {
        let found = standing.of::<J>().filter(|stood| self.differences(stood, standing).is_empty()).count();
        match self.count {
            None if found > 0 => Ok(()),
            Some(count) if found == count => Ok(()),
            None => Err(format!("{} is not enqueued{}", self.shown(), self.table(standing))),
            Some(count) => Err(format!(
                "{} is enqueued {found} times, not {count}{}",
                self.shown(),
                self.table(standing)
            )),
        }
    }

    /// Checks that there is no such run.
    ///
    /// # Errors
    ///
    /// When there is one: what there is, line by line.
    pub fn is_not_in(&self, standing: &Standing) -> Result<(), String> {
        match standing.of::<J>().find(|stood| self.differences(stood, standing).is_empty()) {
            None => Ok(()),
            Some(_) => {
                let table = standing.table(|stood| match self.concerns(stood, standing) {
                    Some(differences) if differences.is_empty() => " <- this one".into(),
                    _ => String::new(),
                });
                Err(format!("{} is enqueued{table}", self.shown()))
            }
        }
    }

    fn table(&self, standing: &Standing) -> String {
        let mut table = standing.table(|stood| match self.concerns(stood, standing) {
            None => String::new(),
            Some(differences) if differences.is_empty() => " <- counts".into(),
            Some(differences) => format!(" <- not its {}", differences.join(", ")),
        });
        let is_of_job = |run: &&Performed| run.name() == J::SPEC.name;
        let performed: Vec<_> = standing.performed.iter().filter(is_of_job).collect();
        if let Some(last) = performed.last() {
            table.push_str(&format!(
                "\n  performed already: {}, the last of them\n    {last}",
                performed.len()
            ));
        }
        table
    }

    /// What is wrong with a run of the job; nothing about one of another.
    fn concerns(&self, stood: &Stood, standing: &Standing) -> Option<Vec<&'static str>> {
        let is_of_job = standing.of::<J>().any(|other| std::ptr::eq(other, stood));
        is_of_job.then(|| self.differences(stood, standing))
    }

    fn differences(&self, stood: &Stood, standing: &Standing) -> Vec<&'static str> {
        let mut differences = Vec::new();
        match stood.job::<J>() {
            Ok(enqueued) => {
                let wrong = self.fields.iter().filter(|(_, is_right)| !is_right(&enqueued.job));
                differences.extend(wrong.map(|(name, _)| *name));
            }
            Err(_) => differences.push("arguments, which do not decode"),
        }
        if self.queue.as_ref().is_some_and(|queue| *queue != stood.queue.as_str()) {
            differences.push("queue");
        }
        let latest = self.within.map(|time| clock::after(standing.now, time));
        if latest.is_some_and(|latest| stood.due().is_some_and(|due| due > latest)) {
            differences.push("time");
        }
        differences
    }

    fn shown(&self) -> String {
        let queue = self.queue.as_ref().map_or(String::new(), |queue| format!(" in queue `{queue}`"));
        let within = self.within.map_or(String::new(), |time| format!(" within {}", duration(time)));
        // As it was written: the compiler's own spelling puts a space before each colon.
        format!("{}{queue}{within}", self.said.replace(" : ", ": "))
    }
}

impl<J> std::fmt::Debug for Expected<'_, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expected").field("said", &self.said).finish_non_exhaustive()
    }
}

/// Asserts that a run is enqueued: that it stands in `waiting` or `scheduled`. To be used in an `async` function.
///
/// First the [`Testing`](crate::testing::Testing), then the job with the fields that matter. Each value is compared by
/// `==`, so it may be any expression; `..` leaves the others aside, without it every field has to be given. Then, if it
/// matters:
///
/// - `queue = "mail"`: the queue that it stands in.
/// - `within = "10m"`, or a `Duration`: it waits already, or is due by then.
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

/// What stands behind the first comma of `assert_enqueued!`, as an [`Expected`].
#[macro_export]
#[doc(hidden)]
macro_rules! __expected {
    // Some of the fields.
    ($($job:ident)::+ { $($field:ident $(: $value:expr)?,)* .. } $(, $key:ident = $setting:expr)* $(,)?) => {
        $crate::testing::Expected::<$($job)::+>::new(::core::stringify!($($job)::+ { $($field $(: $value)?,)* .. }))
            $(.field(::core::stringify!($field), {
                let value = $crate::__value!($field $(, $value)?);
                move |job| job.$field == value
            }))*
            $(.$key($setting))*
    };
    // All of them: a forgotten one is a compile error.
    ($($job:ident)::+ { $($field:ident $(: $value:expr)?),* $(,)? } $(, $key:ident = $setting:expr)* $(,)?) => {{
        let _ = |job: &$($job)::+| { let $($job)::+ { $($field: _),* } = job; };
        $crate::__expected!($($job)::+ { $($field $(: $value)?,)* .. } $(, $key = $setting)*)
    }};
    // Whatever they are.
    ($($job:ident)::+ $(, $key:ident = $setting:expr)* $(,)?) => {
        $crate::testing::Expected::<$($job)::+>::new(::core::stringify!($($job)::+)) $(.$key($setting))*
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
