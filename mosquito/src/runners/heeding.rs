//! Has partitions heed a pause that did not come to them.
//!
//! Whoever pauses a queue, or a job in it, tells the whole first and then the partitions that there are. One that comes into being meanwhile, or
//! with a release that declares more of them, is told here, by what the whole was told.

use std::collections::BTreeSet;

use crate::backend::{Backend, Pause, Paused, Scope};
use crate::error::Result;
use crate::name::QueueName;

/// Whether that is all, or whether to ask again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heeded {
    All,
    /// The pause of everything hides what a whole was told by itself.
    Later,
}

/// Tells these queues, as far as they are partitions, what their wholes were told.
pub(super) async fn heed_wholes(backend: &dyn Backend, queues: &[QueueName]) -> Result<Heeded> {
    let wholes: BTreeSet<_> =
        queues.iter().filter(|queue| queue.is_partition()).map(QueueName::whole).collect();
    let mut heeded = Heeded::All;
    for whole in wholes {
        let parts =
            || queues.iter().filter(|queue| queue.is_partition() && queue.whole_str() == whole.as_str());
        match backend.paused(&Scope::from(&whole)).await? {
            Some(paused) if paused.everything => heeded = Heeded::Later,
            Some(paused) => {
                for part in parts() {
                    heed(backend, &Scope::from(&whole), &paused, Scope::from(part)).await?;
                }
            }
            None => (),
        }
        for (job, paused) in backend.paused_jobs(&whole).await? {
            let scope = Scope::Job(whole.clone(), job.clone());
            for part in parts() {
                heed(backend, &scope, &paused, Scope::Job(part.clone(), job.clone())).await?;
            }
        }
    }
    Ok(heeded)
}

async fn heed(backend: &dyn Backend, whole: &Scope, paused: &Paused, part: Scope) -> Result<()> {
    if backend.paused(&part).await?.is_some() {
        return Ok(());
    }
    backend.pause(&part, &Pause::like(paused, backend.now().await?)).await?;
    // The whole is resumed first: who did so meanwhile may have been at this part before it was paused.
    match backend.paused(whole).await? {
        Some(_) => Ok(()),
        None => backend.resume(&part).await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Heeded, heed_wholes};
    use crate::backend::memory::Memory;
    use crate::backend::{Backend, Pause, Scope};
    use crate::name::{JobName, QueueName};

    fn queue(name: &str) -> QueueName {
        QueueName::new(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_partition_is_paused_as_its_queue_is() {
        let (memory, events, job) =
            (Memory::new(), Scope::from(&queue("events")), JobName::new("track").unwrap());
        let pause = Pause::new().lasting(Duration::from_secs(60)).reason("it moves").author("ada");
        memory.pause(&events, &pause).await.unwrap();
        memory.pause(&Scope::Job(queue("events"), job.clone()), &Pause::new()).await.unwrap();

        let heeded =
            heed_wholes(&memory, &[queue("events~3"), queue("mail~0"), queue("mail")]).await.unwrap();

        assert_eq!(heeded, Heeded::All);
        let part = memory.paused(&Scope::from(&queue("events~3"))).await.unwrap().unwrap();
        let whole = memory.paused(&events).await.unwrap().unwrap();
        assert_eq!((part.until, part.reason, part.author), (whole.until, whole.reason, whole.author));
        assert!(memory.paused_jobs(&queue("events~3")).await.unwrap().contains_key(&job));
        assert_eq!(memory.paused(&Scope::from(&queue("mail~0"))).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_the_pause_of_everything_hides_is_looked_for_later() {
        let (memory, events) = (Memory::new(), queue("events"));
        memory.pause(&Scope::from(&events), &Pause::new().lasting(Duration::from_secs(60))).await.unwrap();
        memory.pause(&Scope::Everything, &Pause::new()).await.unwrap();

        assert_eq!(heed_wholes(&memory, &[queue("events~3")]).await.unwrap(), Heeded::Later);

        memory.resume(&Scope::Everything).await.unwrap();
        assert_eq!(heed_wholes(&memory, &[queue("events~3")]).await.unwrap(), Heeded::All);
        assert!(memory.paused(&Scope::from(&queue("events~3"))).await.unwrap().is_some());
    }
}
