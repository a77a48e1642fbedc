//! What operators tell runners through the store: how many executors, how many runs of a queue.
//!
//! Each setting is a note: `all/executors`, `all/limit/QUEUE`, and for the overseers of one name `overseer/NAME/executors`,
//! `overseer/NAME/limit/QUEUE`; each a whole number. What stands there otherwise was written by hand, and counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::backend::{Backend, NoteChange, Notebook, Noted};
use crate::error::{Error, Result};
use crate::name::{OverseerName, QueueName};

/// The most executors, and the highest limit, that can be configured: more is taken for a slip.
pub(crate) const MOST: usize = 100_000;

/// What runners are told through the store, while they work: all of them, or those of one [name](crate::RunnerBuilder::name).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = mosquito::Mosquito::connect("memory://").await?;
/// let configuration = mosquito.configuration();
///
/// configuration.set_executors(20).await?;
/// configuration.set_limit("reports", 2).await?;
/// configuration.overseer("mail-1")?.set_executors(5).await?;
///
/// assert_eq!(configuration.read().await?.executors, Some(20));
/// assert_eq!(configuration.overseer("mail-1")?.read().await?.executors, Some(5));
///
/// configuration.unset_limit("reports").await?; // what the code says counts again
/// assert!(configuration.set_executors(0).await.is_err());
/// # Ok(()) }
/// ```
///
/// A runner looks every 7 or 8 s, and follows within 10 s; what holds then is told by [`Configured`](crate::events::Event::Configured). Named
/// goes over all, all over the environment, and that over the code. More in [the guide](crate::guide::configuration).
#[derive(Clone, Debug)]
pub struct Configuration {
    backend: Arc<dyn Backend>,
    /// Whom it is about; nobody for all.
    overseer: Option<OverseerName>,
}

/// What is configured, of what can be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Configured {
    /// How many executors each process has.
    pub executors: Option<usize>,
    /// How many runs of a queue each process performs at once; none when it is 0.
    pub limits: BTreeMap<QueueName, usize>,
    /// What somebody wrote by hand and cannot be read: a sentence for each, at most 100.
    pub unreadable: Vec<String>,
}

impl Configuration {
    pub(crate) fn new(backend: &Arc<dyn Backend>) -> Self {
        Self { backend: backend.clone(), overseer: None }
    }

    /// That of the overseers of one [name](crate::RunnerBuilder::name), which goes over that of all. They need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when no overseer can have that name.
    pub fn overseer(&self, name: &str) -> Result<Self> {
        Ok(Self { backend: self.backend.clone(), overseer: Some(OverseerName::new(name)?) })
    }

    /// What is configured here: for all, or for those of this name. What goes over it, and what it goes over, is not in it.
    ///
    /// # Errors
    ///
    /// When the backend is out of reach; so it is with all the others.
    pub async fn read(&self) -> Result<Configured> {
        let notes = self.backend.notes(&Notebook::Configuration).await?;
        Ok(Configured::of(&notes, |overseer| overseer == self.overseer.as_ref()))
    }

    /// The names of overseers for which anything is configured.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn overseers(&self) -> Result<Vec<OverseerName>> {
        let notes = self.backend.notes(&Notebook::Configuration).await?;
        let names = notes.keys().filter_map(|key| Setting::parse(key).ok()?.0);
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Has each process perform so many runs at once, 1 to 100,000. A smaller pool shrinks as executors become idle: nothing
    /// that is being performed is torn away.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Setting`] when it is another number.
    pub async fn set_executors(&self, executors: usize) -> Result<()> {
        self.set(&Setting::Executors, executors).await
    }

    /// Takes back what was set: the setting beneath counts again.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn unset_executors(&self) -> Result<()> {
        self.unset(&Setting::Executors).await
    }

    /// Has each process perform at most so many runs of a queue at once, up to 100,000, whatever its
    /// [adapter](crate::dequeue::DequeueAdapter::limit) says. With 0, it claims none.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Setting`] when it is another number, or the queue a partition; [`Error::Name`] when no queue can have
    /// that name.
    pub async fn set_limit(&self, queue: &str, limit: usize) -> Result<()> {
        self.set(&Setting::Limit(QueueName::new(queue)?), limit).await
    }

    /// Takes back what was set: the setting beneath counts again.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Name`] when no queue can have that name.
    pub async fn unset_limit(&self, queue: &str) -> Result<()> {
        self.unset(&Setting::Limit(QueueName::new(queue)?)).await
    }

    async fn set(&self, setting: &Setting, number: usize) -> Result<()> {
        let key = setting.key(self.overseer.as_ref());
        let refuse = |reason: String| Err(Error::Setting { setting: key.clone(), reason });
        if let Err(reason) = setting.check(number) {
            return refuse(reason);
        }
        match self.write(&key, NoteChange::Set(number.to_string())).await? {
            Noted::Full => refuse("there are 1,000 settings already".into()),
            _ => Ok(()),
        }
    }

    async fn unset(&self, setting: &Setting) -> Result<()> {
        let key = setting.key(self.overseer.as_ref());
        self.write(&key, NoteChange::Remove).await.map(drop)
    }

    async fn write(&self, key: &str, change: NoteChange) -> Result<Noted> {
        self.backend.change_note(&Notebook::Configuration, key, &change).await
    }
}

impl Configured {
    /// What holds for an overseer: what is configured for its name, over what is configured for all.
    pub(crate) fn for_overseer(notes: &BTreeMap<String, String>, name: Option<&OverseerName>) -> Self {
        let mut all = Self::of(notes, |overseer| overseer.is_none());
        if name.is_some() {
            let named = Self::of(notes, |overseer| overseer == name);
            all.executors = named.executors.or(all.executors);
            all.limits.extend(named.limits);
        }
        all
    }

    fn of(notes: &BTreeMap<String, String>, whose: impl Fn(Option<&OverseerName>) -> bool) -> Self {
        const MOST_SENTENCES: usize = 100;
        let mut configured = Self::default();
        for (key, text) in notes {
            match read(key, text) {
                Ok((overseer, setting, number)) if whose(overseer.as_ref()) => match setting {
                    Setting::Executors => configured.executors = Some(number),
                    Setting::Limit(queue) => {
                        configured.limits.insert(queue, number);
                    }
                },
                Ok(_) => (),
                Err(why) if configured.unreadable.len() < MOST_SENTENCES => configured.unreadable.push(why),
                Err(_) => (),
            }
        }
        configured
    }
}

#[derive(Debug, PartialEq)]
enum Setting {
    Executors,
    Limit(QueueName),
}

impl Setting {
    fn key(&self, overseer: Option<&OverseerName>) -> String {
        let whose = overseer.map_or_else(|| "all".into(), |name| format!("overseer/{name}"));
        match self {
            Self::Executors => format!("{whose}/executors"),
            Self::Limit(queue) => format!("{whose}/limit/{queue}"),
        }
    }

    fn parse(key: &str) -> Result<(Option<OverseerName>, Self), String> {
        let parts: Vec<_> = key.split('/').collect();
        let (overseer, rest) = match &*parts {
            ["all", rest @ ..] => (None, rest),
            ["overseer", name, rest @ ..] => {
                (Some(OverseerName::new(name).map_err(|why| why.to_string())?), rest)
            }
            _ => return Err("it begins neither with `all/` nor with `overseer/NAME/`".into()),
        };
        let setting = match rest {
            ["executors"] => Self::Executors,
            ["limit", queue] => Self::Limit(QueueName::new(queue).map_err(|why| why.to_string())?),
            _ => return Err("it ends neither in `executors` nor in `limit/QUEUE`".into()),
        };
        Ok((overseer, setting))
    }

    fn check(&self, number: usize) -> Result<usize, String> {
        match (self, number) {
            (Self::Executors, 0) => {
                Err("0 executors would perform nothing: pause what is not to be performed".into())
            }
            (Self::Limit(queue), _) if queue.is_partition() => Err(format!(
                "a limit is one of the whole queue, `{}`, with all its partitions",
                queue.whole()
            )),
            (_, number) if number > MOST => Err(format!("{number} is more than {MOST}")),
            _ => Ok(number),
        }
    }
}

fn read(key: &str, text: &str) -> Result<(Option<OverseerName>, Setting, usize), String> {
    let shown = |text: &str| crate::job_run::cut_to(100, text.into());
    let (overseer, setting) =
        Setting::parse(key).map_err(|why| format!("`{}` is no setting: {why}", shown(key)))?;
    let number =
        text.parse::<usize>().map_err(|_| format!("it is no whole number from 0 on: `{}`", shown(text)));
    let number = number.and_then(|number| setting.check(number));
    let number = number.map_err(|why| format!("the setting `{key}` counts for nothing: {why}"))?;
    Ok((overseer, setting, number))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Configured, MOST};
    use crate::name::{OverseerName, QueueName};

    fn notes(notes: &[(&str, &str)]) -> BTreeMap<String, String> {
        notes.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect()
    }

    #[test]
    fn what_is_for_a_name_goes_over_what_is_for_all() {
        let notes = notes(&[
            ("all/executors", "20"),
            ("all/limit/mail", "3"),
            ("all/limit/reports", "1"),
            ("overseer/mail-1/executors", "5"),
            ("overseer/mail-1/limit/mail", "0"),
            ("overseer/other/executors", "7"),
        ]);
        let limits = |limits: &[(&str, usize)]| -> BTreeMap<_, _> {
            limits.iter().map(|(queue, limit)| (QueueName::new(queue).unwrap(), *limit)).collect()
        };

        let named = Configured::for_overseer(&notes, Some(&OverseerName::new("mail-1").unwrap()));
        let unnamed = Configured::for_overseer(&notes, None);

        assert_eq!((named.executors, named.limits), (Some(5), limits(&[("mail", 0), ("reports", 1)])));
        assert_eq!((unnamed.executors, unnamed.limits), (Some(20), limits(&[("mail", 3), ("reports", 1)])));
        assert_eq!(named.unreadable, unnamed.unreadable);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_counts_for_nothing() {
        let too_many = (MOST + 1).to_string();
        let wrong = [
            ("executors", "3", "`executors` is no setting: it begins neither"),
            ("all/executor", "3", "`all/executor` is no setting: it ends neither"),
            ("all/executors/x", "3", "is no setting"),
            ("all/executors", "0", "the setting `all/executors` counts for nothing: 0 executors"),
            ("all/executors", "many", "no whole number from 0 on: `many`"),
            ("all/limit/mail", "-1", "no whole number"),
            ("all/limit/mail", &too_many, "more than 100000"),
            ("all/limit/a b", "1", "cannot be a queue name"),
            ("all/limit/events~3", "1", "a limit is one of the whole queue, `events`"),
            ("overseer/a b/executors", "1", "cannot be a name of an overseer"),
        ];
        for (key, text, why) in wrong {
            let configured = Configured::for_overseer(&notes(&[(key, text)]), None);

            assert_eq!(configured.unreadable.len(), 1, "{key} {text}");
            assert!(configured.unreadable[0].contains(why), "{:?}", configured.unreadable);
            assert_eq!(
                configured,
                Configured { unreadable: configured.unreadable.clone(), ..Configured::default() }
            );
        }
    }
}
