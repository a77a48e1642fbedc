//! Varies a complete draft, so that each payload shows as many other values as go together.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask::Ask;
use super::draft::Node;
use super::sampler::Sampler;

/// A node and the candidate it is to take.
pub(super) type Variation = (usize, usize);

impl<T: Serialize + DeserializeOwned> Sampler<T> {
    /// Varies the drafts, and what comes to light in them when they are varied.
    pub(super) fn vary(&mut self, base: Node) {
        let mut drafts = VecDeque::from([(base, 0)]);
        while let Some((origin, known)) = drafts.pop_front() {
            let mut open = variations(&origin, known);
            while !open.is_empty() {
                if self.is_exhausted() {
                    self.mender.gaps.push("the type is too large to be shown with all its values".into());
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
            if let Some(node) = draft.at_mut(&path) {
                node.take(*candidate);
            }
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
pub(super) fn lost(draft: &Node, variations: &[Variation]) -> Vec<Variation> {
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
    for (_, node) in
        draft.all().into_iter().rev().filter(|(_, node)| node.id > known && !node.is_within_itself)
    {
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
