//! Makes the payloads of one type: one that shows every part of it, then those that [vary](super::vary) it.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::ask::Ask;
use super::draft::{Content, Entry, Node, shown};
use super::fault::Fault;
use super::mend::{Hopeless, Mender};
use super::tracer::{Trace, Tracer};
use super::vary::{Variation, lost};
use crate::job::{Undecodable, arguments};

/// The most readings of drafts of one type, the most values of one draft, the most payloads of one type.
const READINGS: usize = 20_000;
const VALUES: usize = 800;
const PAYLOADS: usize = 600;

/// What a type gives away of itself.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Payloads as an enqueue would write them.
    pub(crate) payloads: Vec<Box<RawValue>>,
    /// The places that no payload shows, and why; the arguments as a whole, when there is no payload.
    pub(crate) gaps: Vec<String>,
}

/// Samples a type.
pub(crate) fn samples<T: Serialize + DeserializeOwned>() -> Samples {
    let generous = Sampler::<T>::new(1).run();
    // A type that contains itself many times over grows too large when it is shown in itself.
    if generous.payloads.is_empty() { Sampler::<T>::new(0).run() } else { generous }
}

/// Writes what was read, as an enqueue would.
pub(crate) fn rewritten<T: Serialize + DeserializeOwned>(json: &str) -> Result<Box<RawValue>, String> {
    let rewrite = || {
        let text: &RawValue = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let value: T = arguments::decode(text).map_err(|Undecodable { path, why, .. }| {
            let place = if path.is_empty() { String::new() } else { format!("at `{path}`: ") };
            format!("{place}{why}")
        })?;
        to_raw_value(&value).map_err(|error| format!("it was read, but cannot be written: {error}"))
    };
    catch_unwind(AssertUnwindSafe(rewrite)).unwrap_or_else(|_| Err("reading it panics".to_owned()))
}

pub(super) struct Sampler<T> {
    pub(super) mender: Mender,
    repeats: usize,
    readings: usize,
    samples: Vec<Value>,
    payloads: Vec<Box<RawValue>>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Sampler<T> {
    fn new(repeats: usize) -> Self {
        let mender = Mender::allowing(repeats);
        Self { mender, repeats, readings: 0, samples: Vec::new(), payloads: Vec::new(), of: PhantomData }
    }

    fn run(mut self) -> Samples {
        let mut base = Node::hole("arguments");
        match self.finish(&mut base, &[]) {
            Ok(()) => self.vary(base),
            Err(why) => self.mender.gaps.push(why),
        }
        let mut gaps = self.mender.gaps;
        gaps.sort();
        gaps.dedup();
        Samples { payloads: self.payloads, gaps }
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.payloads.len() >= PAYLOADS || self.readings > READINGS
    }

    /// Completes the draft, with the fields that show only when it is written, and keeps it.
    pub(super) fn finish(&mut self, draft: &mut Node, fixed: &[Variation]) -> Result<(), Hopeless> {
        self.complete(draft, fixed)?;
        for (path, node) in draft.clone().all() {
            if node.ask == Some(Ask::Identifier) {
                self.list_variants(draft, &path, fixed)?;
            }
        }
        let written = parsed(&rewritten::<T>(&draft.json().to_string())?);
        let unasked = draft.unasked(&written);
        if !unasked.is_empty() {
            self.keep(draft)?;
        }
        for (path, name) in unasked {
            let mut with_it = draft.clone();
            let Some(entries) = with_it.at_mut(&path).and_then(Node::entries) else { continue };
            entries.push(Entry::hole(&name));
            let gaps = self.mender.gaps.len();
            match self.complete(&mut with_it, fixed) {
                Ok(()) => *draft = with_it,
                // It is written, but never read.
                Err(_) => self.mender.gaps.truncate(gaps),
            }
        }
        self.keep(draft)
    }

    /// Finds the variants of an enum that takes any name, by `#[serde(other)]`: read by its number, each tells
    /// its name when it is written.
    fn list_variants(
        &mut self,
        draft: &mut Node,
        path: &[usize],
        fixed: &[Variation],
    ) -> Result<(), Hopeless> {
        let Some((_, above)) = path.split_last() else { return Ok(()) };
        let gaps = self.mender.gaps.len();
        let (mut names, mut unnamed) = (Vec::new(), Vec::new());
        // A number above those of all variants is the one for any other name, again.
        for number in 0..PAYLOADS {
            let mut numbered = draft.clone();
            let Some(node) = numbered.at_mut(path) else { break };
            node.content = Content::Number(number.into());
            let id = node.id;
            if let Some(object) = numbered.at_mut(above) {
                object.forget_fields_beside(id);
            }
            if let Err(why) = self.complete(&mut numbered, fixed) {
                unnamed.push(why);
                continue;
            }
            let (written, place) = (self.written_by_tracer(&numbered), numbered.find(id).unwrap_or_default());
            let name = written.as_ref().and_then(|value| numbered.same_place(&place, value)?.as_str());
            match name {
                Some(name) if names.iter().all(|known| known != name) => names.push(name.to_owned()),
                _ => break,
            }
        }
        // What went wrong with a variant that is listed is told when it is varied.
        self.mender.gaps.truncate(gaps);
        self.mender.gaps.extend(unnamed);
        if names.is_empty() {
            let place = shown(draft, path);
            self.mender.gaps.push(format!("{place}: it takes any name, and does not tell those it knows"));
            return Ok(());
        }
        self.mender.choose(draft, path, names)?;
        let id = draft.at(path).map(|node| node.id).unwrap_or_default();
        if let Some(object) = draft.at_mut(above) {
            object.forget_fields_beside(id);
        }
        self.complete(draft, fixed)
    }

    fn written_by_tracer(&self, draft: &Node) -> Option<Value> {
        let trace = Trace::allowing(self.repeats);
        let write = || serde_json::to_value(T::deserialize(Tracer { node: draft, trace: &trace }).ok()?).ok();
        catch_unwind(AssertUnwindSafe(write)).ok().flatten()
    }

    /// Reads the draft until nothing is missing or wrong; or until a value that is fixed was given up.
    fn complete(&mut self, draft: &mut Node, fixed: &[Variation]) -> Result<(), Hopeless> {
        loop {
            self.readings += 1;
            if self.readings > READINGS || draft.all().len() > VALUES {
                return Err("the type is too large, or contains itself too often, to be sampled".into());
            }
            let trace = Trace::allowing(self.repeats);
            let read = || T::deserialize(Tracer { node: draft, trace: &trace }).map(drop);
            let result = catch_unwind(AssertUnwindSafe(read));
            let (last_entry, is_within_itself) = (trace.last_entry.get(), trace.is_within_itself.get());
            let (found, reached) = trace.found();
            let (path, fault) = match (result, found) {
                (Ok(Ok(())), Some((path, Fault::Asked(ask)))) => (path, Fault::Asked(ask)),
                (Ok(Ok(())), _) => return Ok(()),
                (Ok(Err(_)), Some(found)) => found,
                (Ok(Err(fault)), None) => (Vec::new(), fault),
                (Err(_), _) => (reached, Fault::Refused("reading it panics".into())),
            };
            let (why, is_hole) = (fault.to_string(), matches!(fault, Fault::Asked(_)));
            self.mender.mend(draft, &path, fault, last_entry)?;
            if let Some(filled) = draft.at_mut(&path).filter(|_| is_hole) {
                filled.is_within_itself = is_within_itself;
            }
            if !lost(draft, fixed).is_empty() {
                return Err(why);
            }
        }
    }

    /// Keeps the draft as it is written by today's code, if that is new.
    fn keep(&mut self, draft: &Node) -> Result<(), Hopeless> {
        let json = draft.json().to_string();
        let (payload, again) = (rewritten::<T>(&json)?, rewritten::<T>(&json)?);
        let (value, other) = (parsed(&payload), parsed(&again));
        let (value, payload) = if value == other {
            (value, payload)
        } else {
            // A part of it is made up at each reading: the time, an id.
            let steady = what_agrees(value, &other);
            let payload = to_raw_value(&steady).map_err(|why| why.to_string())?;
            (steady, payload)
        };
        if !self.samples.contains(&value) {
            self.samples.push(value);
            self.payloads.push(payload);
        }
        Ok(())
    }
}

fn parsed(json: &RawValue) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}

/// The fields that two writings of one value agree on.
fn what_agrees(value: Value, other: &Value) -> Value {
    match (value, other) {
        (Value::Object(own), Value::Object(others)) => {
            let agreed = own.into_iter().filter_map(|(name, value)| {
                let other = others.get(&name)?;
                (value == *other || value.is_object()).then(|| (name, what_agrees(value, other)))
            });
            Value::Object(agreed.collect())
        }
        (value, _) => value,
    }
}
