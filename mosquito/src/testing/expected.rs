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
    delay: Option<Duration>,
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

/// Whether a field is as it should be: the application's lints on comparing numbers are none of a macro's business.
#[doc(hidden)]
pub fn is<F: PartialEq<V>, V>(field: &F, value: &V) -> bool {
    field == value
}

impl<'a, J: Job> Expected<'a, J> {
    /// Some run of the job; `said` is how the test says it.
    pub fn new(said: &'static str) -> Self {
        Self { fields: Vec::new(), said, queue: None, within: None, delay: None, count: None }
    }

    /// Some run of the job, of which all fields are told: the function compiles only then.
    pub fn whole(said: &'static str, _names_all: fn(&J)) -> Self {
        Self::new(said)
    }

    /// Whose field is as it should be, compared with this value.
    pub fn field<V>(
        mut self,
        name: &'static str,
        value: &'a V,
        is_right: impl Fn(&J, &V) -> bool + 'a,
    ) -> Self {
        self.fields.push((name, Box::new(move |job| is_right(job, value))));
        self
    }

    /// That is as it should be in all.
    pub fn matching(mut self, is_right: impl Fn(&J) -> bool + 'a) -> Self {
        self.fields.push(("matching", Box::new(is_right)));
        self
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

    /// That is due at this time from now, to the millisecond.
    pub fn delay(mut self, time: impl Span) -> Self {
        self.delay = Some(time.duration());
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
        let (due, now) = (stood.due(), standing.now);
        let is_late = |time| due.is_some_and(|due| due > clock::after(now, time));
        let is_another = |time| due.unwrap_or(now) != clock::after(now, time);
        if self.within.is_some_and(is_late) || self.delay.is_some_and(is_another) {
            differences.push("time");
        }
        differences
    }

    fn shown(&self) -> String {
        let queue = self.queue.as_ref().map_or(String::new(), |queue| format!(" in queue `{queue}`"));
        let within = self.within.map_or(String::new(), |time| format!(" within {}", duration(time)));
        // As it was written: the compiler's own spelling puts a space before each colon.
        let delay = self.delay.map_or(String::new(), |delay| format!(" in {}", duration(delay)));
        format!("{}{queue}{within}{delay}", self.said.replace(" : ", ": "))
    }
}

impl<J> std::fmt::Debug for Expected<'_, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expected").field("said", &self.said).finish_non_exhaustive()
    }
}
