//! Serializes arguments right where they are to stand, so that they are written once.

use std::io::Write;

use serde::Serialize;

use super::{NewRun, WIRE_VERSION, When};
use crate::name::{JobName, RunId};

/// As many bytes as the body of most runs takes.
const BODY: usize = 128;

impl NewRun {
    /// The run that [`new`](Self::new) makes of the same, and how many bytes its arguments take.
    pub(crate) fn of(
        id: RunId,
        when: When,
        job: &JobName,
        version: u32,
        args: &impl Serialize,
    ) -> serde_json::Result<(Self, usize)> {
        let mut body = Vec::with_capacity(BODY);
        // The alphabet of names has nothing that JSON would escape.
        write!(body, r#"{{"v":{WIRE_VERSION},"job":"{job}""#).map_err(serde_json::Error::io)?;
        if version != 1 {
            write!(body, r#","version":{version}"#).map_err(serde_json::Error::io)?;
        }
        body.extend_from_slice(br#","args":"#);
        let begin = body.len();
        serde_json::to_writer(&mut body, args)?;
        let size = body.len() - begin;
        body.push(b'}');
        let body = String::from_utf8(body).expect("JSON is UTF-8");
        Ok((Self { id, when, flow: None, body }, size))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use crate::job_run::{Body, NewRun, When};
    use crate::name::{JobName, RunId};

    #[test]
    fn a_body_is_the_same_however_its_arguments_were_serialized() {
        let job = JobName::new("send_welcome").unwrap();
        for (version, value) in [(1, json!({ "name": "Ada \"\u{fc}\"" })), (3, json!(null))] {
            let args = RawValue::from_string(value.to_string()).unwrap();
            let body = Body { version, ..Body::new(&job, &args) };
            let id = RunId::random();

            let (new, size) = NewRun::of(id.clone(), When::Now, &job, version, &value).unwrap();

            assert_eq!(new.body(), NewRun::new(id, When::Now, &body).body());
            assert_eq!(size, args.get().len());
        }
    }
}
