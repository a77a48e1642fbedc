//! Makes the payloads of one type: one that shows every part of it, and one more for each set of values
//! that can be varied together.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::ask::Ask;
use super::draft::{Entry, Node};
use super::fault::Fault;
use super::mend::{Hopeless, Mender};
use super::tracer::{Trace, Tracer};

/// The most readings of drafts of one type, the most values of one draft, the most payloads of one type.
const READINGS: usize = 20_000;
const VALUES: usize = 800;
const PAYLOADS: usize = 200;

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
        let mut reader = serde_json::Deserializer::from_str(json);
        let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!("at `{path}`: ") };
            format!("{place}{}", error.inner())
        })?;
        to_raw_value(&value).map_err(|error| format!("it was read, but cannot be written: {error}"))
    };
    catch_unwind(AssertUnwindSafe(rewrite)).unwrap_or_else(|_| Err("reading it panics".to_owned()))
}

struct Sampler<T> {
    mender: Mender,
    repeats: usize,
    readings: usize,
    samples: Vec<Value>,
    payloads: Vec<Box<RawValue>>,
    of: std::marker::PhantomData<fn() -> T>,
}

/// A node and the candidate it is to take.
type Variation = (usize, usize);

impl<T: Serialize + DeserializeOwned> Sampler<T> {
    fn new(repeats: usize) -> Self {
        let mender = Mender::allowing(repeats);
        Self {
            mender,
            repeats,
            readings: 0,
            samples: Vec::new(),
            payloads: Vec::new(),
            of: std::marker::PhantomData,
        }
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

    /// Completes the draft, with the fields that show only when it is written, and keeps it.
    fn finish(&mut self, draft: &mut Node, fixed: &[Variation]) -> Result<(), Hopeless> {
        self.complete(draft, fixed)?;
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
            let last_entry = trace.last_entry.get();
            let (found, reached) = trace.found();
            let (path, fault) = match (result, found) {
                (Ok(Ok(())), Some((path, Fault::Asked(ask)))) => (path, Fault::Asked(ask)),
                (Ok(Ok(())), _) => return Ok(()),
                (Ok(Err(_)), Some(found)) => found,
                (Ok(Err(fault)), None) => (Vec::new(), fault),
                (Err(_), _) => (reached, Fault::Refused("reading it panics".into())),
            };
            let why = fault.to_string();
            self.mender.mend(draft, &path, fault, last_entry)?;
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

    /// Varies the drafts, and what comes to light in them when they are varied.
    fn vary(&mut self, base: Node) {
        let mut drafts = VecDeque::from([(base, 0)]);
        while let Some((origin, known)) = drafts.pop_front() {
            let mut open = variations(&origin, known);
            while !open.is_empty() {
                if self.payloads.len() >= PAYLOADS {
                    self.mender.gaps.push(format!("what comes after the first {PAYLOADS} payloads"));
                    return;
                }
                let together = take_together(&origin, &mut open);
                self.vary_together(&origin, together, &mut drafts);
            }
        }
    }

    /// Varies several values at once; those that are refused, each by itself once more.
    fn vary_together(
        &mut self,
        origin: &Node,
        mut together: Vec<Variation>,
        drafts: &mut VecDeque<(Node, usize)>,
    ) {
        let mut alone = Vec::new();
        while !together.is_empty() {
            let (known, gaps, count) = (self.mender.filled, self.mender.gaps.len(), together.len());
            match self.varied(origin, &together) {
                Ok(draft) => {
                    drafts.push_back((draft, known));
                    break;
                }
                Err(_) if count == 1 => break,
                Err(refused) => {
                    // What goes wrong may be that they do not go together.
                    self.mender.gaps.truncate(gaps);
                    together.retain(|variation| !refused.contains(variation));
                    alone.extend(refused);
                }
            }
        }
        for variation in alone {
            let known = self.mender.filled;
            let varied = self.varied(origin, &[variation]);
            drafts.extend(varied.ok().map(|draft| (draft, known)));
        }
    }

    /// The draft with other values; or those of them that are refused.
    fn varied(&mut self, origin: &Node, variations: &[Variation]) -> Result<Node, Vec<Variation>> {
        let mut draft = origin.clone();
        for (id, candidate) in variations {
            let Some(path) = draft.find(*id) else { continue };
            let is_tag = draft.is_tag_at(&path);
            draft.at_mut(&path).map(|node| node.take(*candidate));
            if let Some((_, above)) = path.split_last().filter(|_| is_tag)
                && let Some(object) = draft.at_mut(above)
            {
                object.forget_fields_beside(*id);
            }
        }
        let Err(why) = self.finish(&mut draft, variations) else { return Ok(draft) };
        let lost = lost(&draft, variations);
        if !lost.is_empty() {
            return Err(lost);
        }
        let is_choice = |(id, _): &Variation| {
            let node = origin.find(*id).and_then(|path| origin.at(&path));
            node.and_then(|node| node.ask.as_ref()).is_some_and(Ask::is_choice)
        };
        if matches!(variations, [one] if is_choice(one)) {
            self.mender.gaps.push(why);
        }
        Err(variations.to_vec())
    }
}

/// The variations that a draft does not have any more.
fn lost(draft: &Node, variations: &[Variation]) -> Vec<Variation> {
    let holds = |(id, candidate): &Variation| {
        let node = draft.find(*id).and_then(|path| draft.at(&path));
        node.is_some_and(|node| node.candidate == *candidate)
    };
    variations.iter().filter(|variation| !holds(variation)).copied().collect()
}

/// Every other value worth a payload, of the nodes that are newer than those known before.
fn variations(draft: &Node, known: usize) -> Vec<Variation> {
    let mut found = Vec::new();
    // What is inside first: it is gone when the value around it is varied.
    for (_, node) in draft.all().into_iter().rev().filter(|(_, node)| node.id > known) {
        let Some(ask) = &node.ask else { continue };
        let others = ask.alternatives().into_iter();
        let open = others.filter(|other| *other != node.candidate && !node.refused.contains(other));
        found.extend(open.map(|other| (node.id, other)));
    }
    found
}

/// Takes out of the open variations those that do not touch one another.
fn take_together(draft: &Node, open: &mut Vec<Variation>) -> Vec<Variation> {
    let mut together: Vec<(Vec<usize>, Variation)> = Vec::new();
    open.retain(|variation| {
        let Some(path) = draft.find(variation.0) else { return false };
        let touches =
            |(other, _): &(Vec<usize>, Variation)| other.starts_with(&path) || path.starts_with(other);
        // A tag changes the fields beside it.
        let is_alone = draft.is_tag_at(&path) || together.iter().any(|(other, _)| draft.is_tag_at(other));
        if is_alone && !together.is_empty() || together.iter().any(touches) {
            return true;
        }
        together.push((path, *variation));
        false
    });
    together.into_iter().map(|(_, variation)| variation).collect()
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
