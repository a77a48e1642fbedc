//! Finds a job type by the name that a run bears.
//!
//! `#[job]` submits one [`Registration`] per type to `inventory`; a runner collects them when it is built.
//! The linker drops a crate that nothing references, and its registrations with it: that is what
//! [`link!`](crate::link) and [`expect`](crate::RunnerBuilder::expect) are for.

use std::collections::{BTreeMap, HashMap};

use crate::job::{Registration, partitions, shared_limits};
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
        problems.extend(shared_limits::problems(&jobs));
        problems.extend(partitions::problems(&jobs));
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
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    use super::Registry;
    use crate::flow::{Concurrency, ConcurrencySpec, FlowSpec, RateKind, RateLimit, RateSpec};
    use crate::job::Registration;
    use crate::job::{Context, Job, JobResult, JobSpec, Perform};

    macro_rules! job {
        ($type:ident, $name:literal, $aliases:expr, $queue:literal) => {
            job!($type, $name, $aliases, $queue, FlowSpec::PLAIN);
        };
        ($type:ident, $name:literal, $aliases:expr, $queue:literal, $flow:expr) => {
            #[derive(Serialize, Deserialize)]
            struct $type;

            impl Job for $type {
                const SPEC: JobSpec =
                    JobSpec { aliases: $aliases, queue: $queue, flow: $flow, ..JobSpec::named($name) };
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
    fn a_limit_that_two_jobs_share_is_one_limit() {
        const RULE: RateLimit = RateLimit { limit: 10, per: Duration::from_secs(1), kind: RateKind::Sliding };
        const fn limited(rule: RateLimit) -> FlowSpec {
            FlowSpec { rate_limit: Some(RateSpec { name: "api", weight: 1, rule }), ..FlowSpec::PLAIN }
        }
        job!(Call, "call", &[], "default", limited(RULE));
        job!(Ask, "ask", &[], "default", limited(RULE));
        job!(Dial, "dial", &[], "phone", limited(RateLimit { limit: 20, ..RULE }));
        job!(
            Halt,
            "halt",
            &[],
            "default",
            FlowSpec {
                concurrency: Some(ConcurrencySpec { name: "a b", rule: Concurrency { limit: 0 } }),
                expires: Some(Duration::ZERO),
                ..FlowSpec::PLAIN
            }
        );
        static CALL: Registration = Registration::of::<Call>();
        static ASK: Registration = Registration::of::<Ask>();
        static DIAL: Registration = Registration::of::<Dial>();
        static HALT: Registration = Registration::of::<Halt>();

        assert_eq!(Registry::of([&CALL, &ASK].into_iter()).1, [""; 0]);

        let (_, problems) = Registry::of([&CALL, &DIAL].into_iter());
        assert_eq!(problems.len(), 2, "{problems:#?}");
        assert!(
            problems[0].contains("share the rate limit `api`, but are enqueued in `default` and in `phone`"),
            "{problems:#?}"
        );
        assert!(
            problems[1].contains(
                "but one says 10 in 1s by a sliding window, the other 20 in 1s by a sliding window"
            ),
            "{problems:#?}"
        );

        let (_, problems) = Registry::of([&HALT].into_iter());
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(
            problems.iter().any(|problem| problem.contains("`a b` cannot be a limit name")),
            "{problems:#?}"
        );
        assert!(
            problems.iter().any(|problem| problem.contains("a concurrency limit is at least 1")),
            "{problems:#?}"
        );
    }

    #[test]
    fn jobs_of_one_queue_agree_on_its_partitions() {
        macro_rules! partitioned {
            ($type:ident, $name:literal, $spec:expr) => {
                #[derive(Serialize, Deserialize)]
                struct $type;

                impl Job for $type {
                    const SPEC: JobSpec = JobSpec { queue: "events", ..$spec };
                }

                impl Perform for $type {
                    async fn perform(&self, _: &Context<Self>) -> JobResult {
                        Ok(())
                    }
                }
            };
        }
        partitioned!(Track, "track", JobSpec { partitions: 8, ..JobSpec::named("track") });
        partitioned!(Ping, "ping", JobSpec { partitions: 8, ..JobSpec::named("ping") });
        partitioned!(Plain, "plain", JobSpec::named("plain"));
        partitioned!(Many, "many", JobSpec { partitions: 65, ..JobSpec::named("many") });
        static TRACK: Registration = Registration::of::<Track>();
        static PING: Registration = Registration::of::<Ping>();
        static PLAIN: Registration = Registration::of::<Plain>();
        static MANY: Registration = Registration::of::<Many>();

        assert_eq!(Registry::of([&TRACK, &PING].into_iter()).1, [""; 0]);

        let (_, problems) = Registry::of([&TRACK, &PLAIN].into_iter());
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].contains(
                "are enqueued in `events`, but one says that it has no partitions, the other 8 partitions"
            ),
            "{problems:#?}"
        );

        let (_, problems) = Registry::of([&MANY].into_iter());
        assert!(problems[0].contains("it can have 1 to 64"), "{problems:#?}");
    }

    #[test]
    fn an_empty_registry_names_the_cure() {
        let (_, problems) = Registry::of(std::iter::empty());

        assert!(problems[0].contains("mosquito::link!"), "{problems:?}");
    }
}
