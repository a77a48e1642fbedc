//! The notes beside the queues: a hash for each notebook.

use std::collections::BTreeMap;

use ::redis::{RedisError, Value};

use super::Redis;
use super::replies::Reply;
use crate::backend::{NOTES_LIMIT, NoteChange, Notebook, Noted};
use crate::error::Result;

impl Redis {
    pub(super) async fn all_notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>> {
        let hash = self.keys.notes(notebook);
        let got = ::redis::cmd("HGETALL").arg(&hash).query_async(&mut self.connections.commands(&hash)).await;
        match got {
            Ok(notes) => Ok(notes),
            Err(error) => Err(self.explain_global(&hash, "hash", error).await),
        }
    }

    pub(super) async fn one_note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>> {
        let hash = self.keys.notes(notebook);
        let got =
            ::redis::cmd("HGET").arg(&hash).arg(key).query_async(&mut self.connections.commands(&hash)).await;
        match got {
            Ok(note) => Ok(note),
            Err(error) => Err(self.explain_global(&hash, "hash", error).await),
        }
    }

    pub(super) async fn note_down(&self, notebook: &Notebook, key: &str, to: &NoteChange) -> Result<Noted> {
        let hash = self.keys.notes(notebook);
        let mut call = self.scripts.note.key(&hash);
        call.arg(key).arg(NOTES_LIMIT);
        let none = String::new;
        match to {
            NoteChange::Set(text) => call.arg("set").arg(text),
            NoteChange::Remove => call.arg("set").arg(none()),
            NoteChange::Add(summand) => call.arg("add").arg(*summand),
            NoteChange::Swap { expected, new } => call
                .arg("swap")
                .arg(new.clone().unwrap_or_else(none))
                .arg(expected.clone().unwrap_or_else(none)),
        };
        match call.invoke_async::<Value>(&mut self.connections.commands(&hash)).await {
            Ok(answer) => self.read(noted(answer)),
            Err(error) if error.to_string().contains("not an integer") => Ok(Noted::NoNumber),
            Err(error) if error.to_string().contains("would overflow") => Ok(Noted::Overflow),
            Err(error) => Err(self.explain_global(&hash, "hash", error).await),
        }
    }
}

fn noted(answer: Value) -> Result<Noted, RedisError> {
    let mut reply = Reply::new(answer)?;
    let text = |reply: &mut Reply| Ok::<_, RedisError>(Some(reply.text()?).filter(|text| !text.is_empty()));
    Ok(match reply.text()?.as_str() {
        "done" => Noted::Done { before: text(&mut reply)?, now: text(&mut reply)? },
        "other" => Noted::Other(text(&mut reply)?),
        _ => Noted::Full,
    })
}
