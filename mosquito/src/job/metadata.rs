//! What a job type keeps for itself in the store: a few values that outlive its runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::backend::{Backend, NOTES_LIMIT, NoteChange, Notebook, Noted};
use crate::error::{BoxError, Error, Result};
use crate::job_run::cut_to;
use crate::name::JobName;

/// The longest key, and the largest value as JSON, in bytes.
const KEY_LIMIT: usize = 256;
const VALUE_LIMIT: usize = 8 * 1024;

/// How long a change is tried again that others come before.
const PATIENCE: Duration = Duration::from_secs(5);

/// A small table in the store that belongs to a job type: a cursor, a counter, what was seen last. All processes share it, it
/// expires never, and no flush of a queue empties it. From [`Mosquito::metadata`](crate::Mosquito::metadata), and in a job from
/// [`Context::metadata`](crate::Context::metadata).
///
/// ```
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// #[job]
/// struct Import;
///
/// impl Perform for Import {
///     async fn perform(&self, cx: &Context<Self>) -> JobResult {
///         let metadata = cx.metadata();
///         let cursor: u64 = metadata.get("cursor").await?.unwrap_or_default();
///         metadata.set("cursor", &(cursor + 100)).await?;
///         metadata.increment("rows", 100).await?;
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = Mosquito::connect("memory://").await?;
/// let metadata = mosquito.metadata::<Import>()?;
///
/// assert!(metadata.set_if_absent("begun", "2026-10-10").await?);
/// assert_eq!(metadata.increment("rows", 7).await?, 7);
/// assert_eq!(metadata.update("rows", |rows: Option<i64>| Some(rows? * 6)).await?, Some(42));
/// assert_eq!(metadata.all().await?.len(), 2);
/// # Ok(()) }
/// ```
///
/// A value is whatever serde writes as JSON, up to 8 KiB of it; a key is any text of 1 to 256 bytes, and there are up to 1,000. It stands
/// under the job's name: a job that is given another name begins anew, and an alias is no name here.
///
/// # Errors
///
/// Of all methods: when the backend is out of reach, and [`Error::Metadata`] when a key, a value or their number is out of these
/// bounds, or a value is no number or does not decode as asked.
#[derive(Clone)]
pub struct Metadata {
    backend: Arc<dyn Backend>,
    job: JobName,
    notebook: Notebook,
}

impl Metadata {
    pub(crate) fn new(backend: &Arc<dyn Backend>, job: JobName) -> Self {
        Self { backend: backend.clone(), notebook: Notebook::Job(job.clone()), job }
    }

    /// The job it belongs to.
    #[must_use]
    pub fn job(&self) -> &JobName {
        &self.job
    }

    /// A value; nothing when there is none.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors).
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let text = self.backend.note(&self.notebook, self.key(key)?).await?;
        text.map(|text| self.decode(key, &text)).transpose()
    }

    /// All values, by key.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors).
    pub async fn all(&self) -> Result<BTreeMap<String, Value>> {
        let notes = self.backend.notes(&self.notebook).await?;
        let decoded = notes.into_iter().map(|(key, text)| {
            let value = self.decode(&key, &text)?;
            Ok((key, value))
        });
        decoded.collect()
    }

    /// Sets a value, whatever it was.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors).
    pub async fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<()> {
        self.change(key, NoteChange::Set(self.encode(key, value)?)).await.map(drop)
    }

    /// Removes a value; whether there was one.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors).
    pub async fn remove(&self, key: &str) -> Result<bool> {
        let noted = self.change(key, NoteChange::Remove).await?;
        Ok(matches!(noted, Noted::Done { before: Some(_), .. }))
    }

    /// Adds to a whole number, and answers the sum: in one move, so that of many who do it at once each counts. What is not there
    /// counts as 0.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors); also when the sum is past what an `i64` holds.
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64> {
        match self.change(key, NoteChange::Add(by)).await? {
            Noted::Done { now: Some(sum), .. } => self.decode(key, &sum),
            _ => Err(self.refuse(key, "was not answered with its sum".into())),
        }
    }

    /// Sets a value where there is none; whether it did. Of many who do it at once, one does.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors).
    pub async fn set_if_absent<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<bool> {
        let new = Some(self.encode(key, value)?);
        let noted = self.change(key, NoteChange::Swap { expected: None, new }).await?;
        Ok(matches!(noted, Noted::Done { .. }))
    }

    /// Makes of a value, or of none, another one, or none, and answers that. When somebody else changes it meanwhile, `change` is called
    /// again with what it is then: no change is lost.
    ///
    /// # Errors
    ///
    /// As [above](Self#errors); also when others came before at each try for 5 s.
    pub async fn update<T, F>(&self, key: &str, mut change: F) -> Result<Option<T>>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> Option<T>,
    {
        let begin = Instant::now();
        let mut expected = self.backend.note(&self.notebook, self.key(key)?).await?;
        loop {
            let value = expected.as_deref().map(|text| self.decode(key, text)).transpose()?;
            let value = change(value);
            let new = value.as_ref().map(|value| self.encode(key, value)).transpose()?;
            match self.change(key, NoteChange::Swap { expected, new }).await? {
                Noted::Other(_) if begin.elapsed() >= PATIENCE => {
                    return Err(
                        self.refuse(key, format!("was changed by others at each try, for {PATIENCE:?}"))
                    );
                }
                Noted::Other(now) => expected = now,
                _ => return Ok(value),
            }
            // So that those who try at once do not do so again.
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..10))).await;
        }
    }

    async fn change(&self, key: &str, change: NoteChange) -> Result<Noted> {
        let noted = self.backend.change_note(&self.notebook, self.key(key)?, &change).await?;
        let refuse = |reason: &str| Err(self.refuse(key, reason.into()));
        match noted {
            Noted::NoNumber => refuse("is no whole number that could be added to"),
            Noted::Overflow => refuse("would be larger or smaller than a number of 64 bits"),
            Noted::Full => refuse(&format!("is one too many: there are {NOTES_LIMIT} already")),
            noted => Ok(noted),
        }
    }

    fn key<'a>(&self, key: &'a str) -> Result<&'a str> {
        match key.len() {
            1..=KEY_LIMIT => Ok(key),
            bytes => {
                Err(self.refuse(key, format!("has a key of {bytes} bytes: from 1 to {KEY_LIMIT} may be")))
            }
        }
    }

    fn encode<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<String> {
        let text = serde_json::to_string(value)
            .map_err(|why| self.error(key, "does not serialize".into(), Some(why.into())))?;
        match text.len() {
            0..=VALUE_LIMIT => Ok(text),
            bytes => Err(self.refuse(key, format!("would take {bytes} bytes: up to {VALUE_LIMIT} may be"))),
        }
    }

    fn decode<T: DeserializeOwned>(&self, key: &str, text: &str) -> Result<T> {
        let wanted = std::any::type_name::<T>();
        serde_json::from_str(text)
            .map_err(|why| self.error(key, format!("does not decode as `{wanted}`"), Some(why.into())))
    }

    fn refuse(&self, key: &str, reason: String) -> Error {
        self.error(key, reason, None)
    }

    fn error(&self, key: &str, reason: String, source: Option<BoxError>) -> Error {
        Error::Metadata { job: self.job.to_string(), key: cut_to(100, key.into()), reason, source }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").field("job", &self.job).finish_non_exhaustive()
    }
}
