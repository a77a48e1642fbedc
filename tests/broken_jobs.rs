//! A process whose jobs cannot be performed as they are: all that is wrong is told at once.

use mosquito::{Context, Error, Job, JobResult, JobSpec, Mosquito, Perform, job};

#[job(name = "send")]
struct SendMail;

#[job(aliases("send"), state(Address), concurrency(limit = 2, key = "post"))]
struct SendLetter;

#[job(queue = "bulk", concurrency(limit = 3, key = "post"))]
struct SendParcel;

struct Address;

/// Written by hand, and registered by nobody.
#[derive(serde::Serialize, serde::Deserialize)]
struct SendPigeon;

impl Job for SendPigeon {
    const SPEC: JobSpec = JobSpec::named("send_pigeon");
}

impl Perform for SendMail {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for SendLetter {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let Address = cx.state();
        Ok(())
    }
}

impl Perform for SendParcel {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[tokio::test]
async fn a_build_lists_everything_that_is_wrong() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();

    let refused = mosquito.runner().executors(0).expect::<SendPigeon>().build().unwrap_err();

    let Error::Build(error) = &refused else { panic!("{refused:?}") };
    assert_eq!(error.problems().len(), 6);
    assert_eq!(
        refused.to_string(),
        "the runner cannot start, for 6 reasons:
  - `executors` is 0: at least one is needed to perform anything
  - `broken_jobs::SendLetter` and `broken_jobs::SendParcel` share the concurrency limit `post`, but are enqueued in `default` and in `bulk`, and a limit holds within one queue; give both the same queue, or each its own `key`
  - `broken_jobs::SendLetter` and `broken_jobs::SendParcel` share the concurrency limit `post`, but one says 2 at once, the other 3 at once; give both the same, or each its own `key`
  - the job name `send` is claimed by `broken_jobs::SendMail` and `broken_jobs::SendLetter`; give each its own: #[job(name = \"..\")]
  - nobody provides the state `broken_jobs::Address`, which broken_jobs::SendLetter needs: add `.state(..)` to the runner
  - the expected job `send_pigeon` is not registered: is `broken_jobs::SendPigeon` marked with #[job]?"
    );
}
