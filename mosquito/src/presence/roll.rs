//! The notes of all overseers of a store: written, read, and removed when they are old.

use std::time::Duration;

use super::OverseerReport;
use crate::backend::{Backend, NoteChange, Notebook, Noted};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::name::OverseerId;

/// How old a note is when whoever wrote it does not count any more.
pub(crate) const FADES: Duration = Duration::from_secs(50);

/// The most old notes that are removed at once; each takes a call.
const WEEDED: usize = 100;

/// Whoever was heard of lately, in the order of having begun.
pub(crate) async fn present(backend: &dyn Backend) -> Result<Vec<OverseerReport>> {
    let notes = backend.notes(&Notebook::Overseers).await?;
    // Asked for after them: none is younger than it.
    let now = backend.now().await?;
    let reports = notes.iter().filter_map(|(id, note)| OverseerReport::of_note(id, note, now));
    let mut present: Vec<_> = reports.filter(|report| !is_old(report.seen_at, now)).collect();
    present.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    Ok(present)
}

/// Writes an overseer's note; false when there is no room for another one.
pub(crate) async fn tell(backend: &dyn Backend, report: &OverseerReport) -> Result<bool> {
    let change = NoteChange::Set(report.to_note());
    let noted = backend.change_note(&Notebook::Overseers, report.id.as_str(), &change).await?;
    Ok(noted != Noted::Full)
}

/// Removes an overseer's note.
pub(crate) async fn leave(backend: &dyn Backend, id: &OverseerId) -> Result<()> {
    backend.change_note(&Notebook::Overseers, id.as_str(), &NoteChange::Remove).await.map(drop)
}

/// Removes notes that are old, or that nobody can read, and answers how many there were of all.
pub(crate) async fn weed(backend: &dyn Backend, now: Timestamp) -> Result<usize> {
    let notes = backend.notes(&Notebook::Overseers).await?;
    let all = notes.len();
    let old = notes.into_iter().filter(|(id, note)| {
        OverseerReport::of_note(id, note, now).is_none_or(|report| is_old(report.seen_at, now))
    });
    for (id, note) in old.take(WEEDED) {
        // Unless it was written anew.
        let change = NoteChange::Swap { expected: Some(note), new: None };
        backend.change_note(&Notebook::Overseers, &id, &change).await?;
    }
    Ok(all)
}

/// One from the future was written before the store's clock was set back: whoever lives writes another one.
fn is_old(seen_at: Timestamp, now: Timestamp) -> bool {
    (now - seen_at).abs().to_std().is_ok_and(|distance| distance > FADES)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{leave, present, tell, weed};
    use crate::backend::memory::Memory;
    use crate::backend::{Backend, NOTES_LIMIT, NoteChange, Notebook};
    use crate::clock::Clock;
    use crate::name::OverseerId;
    use crate::presence::OverseerReport;

    async fn report(store: &Memory, id: &str) -> OverseerReport {
        let now = store.now().await.unwrap();
        OverseerReport::of_this_process(OverseerId::new(id).unwrap(), now, now)
    }

    async fn ids(store: &Memory) -> Vec<String> {
        present(store).await.unwrap().iter().map(|report| report.id.to_string()).collect()
    }

    #[tokio::test]
    async fn who_is_silent_fades_and_is_removed_by_another() {
        let clock = Clock::manual();
        let store = Memory::with_clock(clock.clone());
        tell(&store, &report(&store, "bob").await).await.unwrap();
        clock.step(20_000);
        tell(&store, &report(&store, "ann").await).await.unwrap();
        assert_eq!(ids(&store).await, ["bob", "ann"], "in the order of having begun");
        assert_eq!(present(&store).await.unwrap()[0].silence, Duration::from_secs(20));

        clock.step(30_001);
        assert_eq!(ids(&store).await, ["ann"]);
        let all = weed(&store, store.now().await.unwrap()).await.unwrap();

        assert_eq!(all, 2);
        let left: Vec<_> = store.notes(&Notebook::Overseers).await.unwrap().into_keys().collect();
        assert_eq!(left, ["ann"]);
        leave(&store, &OverseerId::new("ann").unwrap()).await.unwrap();
        assert!(ids(&store).await.is_empty());
    }

    #[tokio::test]
    async fn what_was_written_before_a_clock_was_set_back_does_not_last() {
        let clock = Clock::manual();
        let store = Memory::with_clock(clock.clone());
        tell(&store, &report(&store, "bob").await).await.unwrap();

        clock.step(-3_600_000);

        assert!(ids(&store).await.is_empty());
        weed(&store, store.now().await.unwrap()).await.unwrap();
        assert!(store.notes(&Notebook::Overseers).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn where_there_is_no_room_old_notes_make_some() {
        let clock = Clock::manual();
        let store = Memory::with_clock(clock.clone());
        for n in 0..NOTES_LIMIT {
            let set = NoteChange::Set("what nobody understands".into());
            store.change_note(&Notebook::Overseers, &n.to_string(), &set).await.unwrap();
        }
        assert!(!tell(&store, &report(&store, "ann").await).await.unwrap());

        weed(&store, store.now().await.unwrap()).await.unwrap();

        assert!(tell(&store, &report(&store, "ann").await).await.unwrap());
        assert_eq!(ids(&store).await, ["ann"]);
    }
}
