//! Unit, tuple and named structs are jobs, called by their names in snake_case.

use mosquito::{Context, Job, JobResult, Perform, job};

macro_rules! performed {
    ($($job:ty)*) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

#[job]
struct Unit;

#[job]
struct NewType(u64);

#[job]
struct Tuple(u64, String);

#[job]
struct Named {
    id: u64,
    at: Option<std::time::Duration>,
}

#[job]
struct Empty {}

#[job()]
struct HTTPPing2;

#[job]
#[expect(non_camel_case_types)]
struct r#type {
    r#fn: u8,
}

performed!(Unit NewType Tuple Named Empty HTTPPing2 r#type);

fn main() {
    assert_eq!(
        [Unit::SPEC, NewType::SPEC, Tuple::SPEC, Named::SPEC, Empty::SPEC, HTTPPing2::SPEC, r#type::SPEC]
            .map(|spec| spec.name),
        ["unit", "new_type", "tuple", "named", "empty", "http_ping2", "type"]
    );
    let _ = (Unit, NewType(1).0, Tuple(1, String::new()).1, Empty {}, HTTPPing2, r#type { r#fn: 1 }.r#fn);
    let Named { id: _, at: _ } = Named { id: 1, at: None };
}
