//! The store that a test makes for itself, and removes.

use crate::client::Mosquito;
use crate::clock::Clock;
use crate::error::{Error, Result, without_password};

pub(super) struct OwnStore {
    url: String,
    /// Under which all keys in a Redis stand.
    prefix: Option<String>,
    /// Where a SQLite file stands that is the test's own.
    _folder: Option<tempfile::TempDir>,
}

impl OwnStore {
    pub(super) fn of(url: &str) -> Result<Self> {
        let mut store = Self { url: url.into(), prefix: None, _folder: None };
        if url == "sqlite://" {
            let folder = tempfile::Builder::new().prefix("mosquito-testing-").tempdir();
            let folder = folder.map_err(|source| Error::Unavailable {
                backend: "the folder for temporary files".into(),
                source: source.into(),
            })?;
            store.url = format!("sqlite://{}", folder.path().join("jobs.db").display());
            store._folder = Some(folder);
        } else if url.starts_with("redis") {
            store.prefix = Some(format!("mosquito-testing-{}", uuid::Uuid::now_v7().simple()));
        }
        Ok(store)
    }

    pub(super) async fn connect(&self, clock: Clock) -> Result<Mosquito> {
        let builder = Mosquito::builder().clock(clock);
        let builder = match &self.prefix {
            Some(prefix) => builder.prefix(prefix),
            None => builder,
        };
        builder.connect(&self.url).await
    }
}

impl std::fmt::Debug for OwnStore {
    /// Without the password that the URL may hold.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnStore")
            .field("url", &without_password(&self.url))
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "redis")]
impl Drop for OwnStore {
    fn drop(&mut self) {
        let Some(prefix) = &self.prefix else { return };
        if let Err(error) = crate::backend::redis::erase(&self.url, prefix) {
            tracing::warn!(target: "mosquito", %error, prefix, "the keys of a test are left in its Redis");
        }
    }
}
