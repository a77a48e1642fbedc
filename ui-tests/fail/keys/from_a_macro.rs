use mosquito::{Context, JobResult, Perform, job};

macro_rules! define {
    ($job:ident, $wait:expr, $version:literal, $state:ty, $by:expr, $borrowed:ty) => {
        #[job(timeout = $wait, version = $version, state($state), unique(by = $by))]
        struct $job {
            name: $borrowed,
        }

        impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        }
    };
}

define!(Greet, 30, 0, &str, [nam], &'static str);

fn main() {}
