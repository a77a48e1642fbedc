//! Finds a job type by the name that a run bears.
//!
//! `#[job]` submits one [`Registration`] per type to `inventory`; a runner collects them when it is built.
//! The linker drops a crate that nothing references, and its registrations with it: that is what
//! [`link!`](crate::link) and [`expect`](crate::RunnerBuilder::expect) are for.

use std::collections::{BTreeMap, HashMap};

use crate::job::Registration;
use crate::name::JobName;

/// The jobs that a runner knows, by name and alias.
#[derive(Debug)]
pub(crate) struct Registry {
    by_name: HashMap<&'static str, &'static Registration>,
    /// Each once, in the order of their names.
    jobs: Vec<&'static Registration>,
}

impl Registry {
    /// Collects what is linked into this process, and everything that is wrong with it.
    pub(crate) fn collect() -> (Self, Vec<String>) {
        Self::of(inventory::iter::<Registration>.into_iter())
    }

    fn of(all: impl Iterator<Item = &'static Registration>) -> (Self, Vec<String>) {
        let mut jobs: Vec<_> = all.collect();
        jobs.sort_by_key(|job| (job.spec.name, (job.type_name)()));
        let mut claims: BTreeMap<&str, Vec<&'static Registration>> = BTreeMap::new();
        let mut problems = Vec::new();
        for job in &jobs {
            for name in [job.spec.name].iter().chain(job.spec.aliases) {
                claims.entry(name).or_default().push(job);
            }
            problems.extend(job.problems());
        }
        for (name, jobs) in claims.iter().filter(|(_, jobs)| jobs.len() > 1) {
            let types: Vec<_> = jobs.iter().map(|job| format!("`{}`", (job.type_name)())).collect();
            problems.push(format!(
                "the job name `{name}` is claimed by {}; give each its own: #[job(name = \"..\")]",
                types.join(" and ")
            ));
        }
        if claims.is_empty() {
            problems.push(NOTHING_REGISTERED.into());
        }
        problems.sort();
        let by_name = claims.into_iter().map(|(name, jobs)| (name, jobs[0])).collect();
        (Self { by_name, jobs }, problems)
    }

    pub(crate) fn find(&self, job: &JobName) -> Option<&'static Registration> {
        self.by_name.get(job.as_str()).copied()
    }

    /// Every job once, in the order of their names.
    pub(crate) fn jobs(&self) -> &[&'static Registration] {
        &self.jobs
    }
}

const NOTHING_REGISTERED: &str = "no job is registered in this process. The linker drops a crate that nothing \
    refers to, and its jobs with it: write `mosquito::link!(your_jobs_crate);` beside `main`, or `.expect::<YourJob>()` \
    on the runner";

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::Registry;
    use crate::job::Registration;
    use crate::job::{Context, Job, JobResult, JobSpec, Perform};

    macro_rules! job {
        ($type:ident, $name:literal, $aliases:expr, $queue:literal) => {
            #[derive(Serialize, Deserialize)]
            struct $type;

            impl Job for $type {
                const SPEC: JobSpec = JobSpec { aliases: $aliases, queue: $queue, ..JobSpec::named($name) };
            }

            impl Perform for $type {
                async fn perform(&self, _: &Context<Self>) -> JobResult {
                    Ok(())
                }
            }
        };
    }

    job!(Mail, "mail", &["letter"], "default");
    job!(Letter, "letter", &[], "default");
    job!(Bad, "bad", &[], "no such {queue}");

    static MAIL: Registration = Registration::of::<Mail>();
    static LETTER: Registration = Registration::of::<Letter>();
    static BAD: Registration = Registration::of::<Bad>();

    #[test]
    fn a_job_is_found_by_its_name_and_by_the_names_it_had() {
        let (registry, problems) = Registry::of([&MAIL].into_iter());

        let find = |name: &str| registry.find(&name.parse().unwrap()).map(|job| job.spec.name);

        assert_eq!([find("mail"), find("letter"), find("other")], [Some("mail"), Some("mail"), None]);
        assert_eq!((registry.jobs().len(), problems.len()), (1, 0));
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let (_, problems) = Registry::of([&MAIL, &LETTER, &BAD].into_iter());

        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("`no such {queue}` cannot be a queue name"), "{problems:?}");
        assert!(problems[1].contains("`letter` is claimed by"), "{problems:?}");
        assert!(
            problems[1].contains("tests::Letter` and") && problems[1].contains("tests::Mail`"),
            "{problems:?}"
        );
    }

    #[test]
    fn an_empty_registry_names_the_cure() {
        let (_, problems) = Registry::of(std::iter::empty());

        assert!(problems[0].contains("mosquito::link!"), "{problems:?}");
    }
}
