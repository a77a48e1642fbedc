//! Fills a draft where something is asked for, and mends it where something is wrong.

use super::ask::Ask;
use super::draft::{Content, Entry, Node, shown};
use super::fault::{Fault, Given};

/// Mends drafts of one type.
#[derive(Debug, Default)]
pub(super) struct Mender {
    /// How many nodes were filled so far: the number of the newest.
    pub(super) filled: usize,
    /// Places that payloads do not show, and why.
    pub(super) gaps: Vec<String>,
    /// Why the latest field was left out, in case it turns out to be required.
    left_out: Option<String>,
    /// How often an enum that is only known by its tag may stand within itself.
    repeats: usize,
}

/// Why a draft cannot be mended.
pub(super) type Hopeless = String;

impl Mender {
    pub(super) fn allowing(repeats: usize) -> Self {
        Self { repeats, ..Self::default() }
    }

    /// Changes the draft, given what stopped the reading and where. Each change is one that was not made before.
    pub(super) fn mend(
        &mut self,
        draft: &mut Node,
        path: &[usize],
        fault: Fault,
        last_entry: usize,
    ) -> Result<(), Hopeless> {
        match fault {
            Fault::Asked(ask) => self.fill(draft, path, ask),
            Fault::Endless => return self.leave(draft, path),
            Fault::Missing(name) => return self.add(draft, path, name),
            Fault::Duplicate => match draft.at_mut(path).and_then(Node::entries) {
                // An alias, which stands beside its field in the list of what a struct knows.
                Some(entries) if last_entry < entries.len() => drop(entries.remove(last_entry)),
                _ => return self.refuse(draft, path, &fault.to_string()),
            },
            Fault::UnknownField(ref name) => {
                let with_it = newest(draft, path, |node| node.has_entry(name));
                let Some(entries) = with_it.and_then(|path| draft.at_mut(&path)?.entries()) else {
                    return self.refuse(draft, path, &fault.to_string());
                };
                entries.retain(|entry| entry.key.text() != *name);
            }
            Fault::UnknownVariant { ref given, variants } => {
                let named =
                    newest(draft, path, |node| node.is(given) && !matches!(node.ask, Some(Ask::Tag(_))));
                let Some(named) = named else { return self.refuse(draft, path, &fault.to_string()) };
                let variants = variants.iter().map(|name| (*name).to_owned()).collect();
                return self.choose(draft, &named, variants);
            }
            Fault::Unexpected { ref given, ref expected } => {
                return self.retype(draft, path, given, expected);
            }
            Fault::Refused(ref why) => return self.change_beneath(draft, path, why),
        }
        Ok(())
    }

    fn fill(&mut self, draft: &mut Node, path: &[usize], mut ask: Ask) {
        let parent = path.split_last().and_then(|(part, above)| Some((part, draft.at_mut(above)?)));
        let mut is_buffered = ask == Ask::Any;
        if let Some((part, parent)) = parent {
            // A map whose keys are names is a struct with flattened fields, which says them as it misses them.
            if ask == Ask::Identifier && part % 2 == 0 && parent.ask == Some(Ask::Map) {
                self.set(parent, Ask::Entries);
                return;
            }
            is_buffered |= parent.is_buffered;
            if ask == Ask::Any && parent.ask == Some(Ask::Any) {
                ask = Ask::Item;
            }
        }
        if let Some(node) = draft.at_mut(path) {
            node.is_buffered = is_buffered;
            self.set(node, ask);
        }
    }

    fn set(&mut self, node: &mut Node, ask: Ask) {
        self.filled += 1;
        (node.ask, node.id) = (Some(ask), self.filled);
        node.refused.clear();
        node.take(0);
    }

    /// Adds a field that is missed. Whatever serde keeps in between is searched as well, the newest first,
    /// since the one before was complete when the next was begun.
    fn add(&mut self, draft: &mut Node, path: &[usize], name: &'static str) -> Result<(), Hopeless> {
        let is_open = |node: &Node| {
            matches!(node.content, Content::Object(_))
                && !matches!(node.ask, Some(Ask::Struct(_)))
                && !node.has_entry(name)
        };
        let open = newest(draft, path, |node| node.is_buffered && is_open(node))
            .or_else(|| draft.at(path).filter(|node| is_open(node)).map(|_| path.to_vec()));
        let Some(entries) = open.and_then(|path| draft.at_mut(&path)?.entries()) else {
            let why = self.left_out.take().unwrap_or_else(|| Fault::Missing(name).to_string());
            return self.go_around(draft, path, &why, true);
        };
        entries.push(Entry::hole(name));
        Ok(())
    }

    /// Makes a text a choice of variants, unless that choice stands within itself too often.
    pub(super) fn choose(
        &mut self,
        draft: &mut Node,
        path: &[usize],
        variants: Vec<String>,
    ) -> Result<(), Hopeless> {
        let tag = Some(Ask::Tag(variants.clone()));
        let above = (0..path.len().saturating_sub(1)).filter_map(|length| draft.at(&path[..length]));
        let times = above.filter(|node| node.children().iter().any(|child| child.ask == tag)).count();
        if times > self.repeats {
            let object = &path[..path.len() - 1];
            return self.leave(draft, object);
        }
        if let Some(node) = draft.at_mut(path) {
            self.set(node, Ask::Tag(variants));
        }
        Ok(())
    }

    /// Makes a buffered value what the type expects instead.
    fn retype(
        &mut self,
        draft: &mut Node,
        path: &[usize],
        given: &Given,
        expected: &str,
    ) -> Result<(), Hopeless> {
        if expected.contains("variant") && hold(draft, path) {
            return Ok(());
        }
        let blamed = newest(draft, path, |node| node.is_buffered && node.is(given))
            .or_else(|| newest(draft, path, |node| node.is_buffered && node.ask != Some(Ask::Entries)));
        let Some(blamed) = blamed else {
            return self.change_beneath(draft, path, &format!("expected {expected}"));
        };
        match (draft.at_mut(&blamed), Ask::expecting(expected)) {
            (Some(node), Some(ask)) if matches!(node.ask, Some(Ask::Any | Ask::Item)) => {
                self.set(node, ask);
                Ok(())
            }
            _ => self.refuse(draft, &blamed, &format!("expected {expected}")),
        }
    }

    /// Changes something beneath a value that was refused as a whole: what serde kept in between, the newest
    /// first; then everything at once, to values that go together.
    fn change_beneath(&mut self, draft: &mut Node, path: &[usize], why: &str) -> Result<(), Hopeless> {
        let Some(node) = draft.at(path) else { return Err(why.to_owned()) };
        if node.children().is_empty() {
            return self.refuse(draft, path, why);
        }
        let mut buffered: Vec<_> = node.all().into_iter().filter(|(_, node)| is_open_leaf(node)).collect();
        buffered.sort_by_key(|(_, node)| std::cmp::Reverse(node.id));
        let places: Vec<_> = buffered.into_iter().map(|(place, _)| place).collect();
        let Some(node) = draft.at_mut(path) else { return Err(why.to_owned()) };
        if places.iter().any(|place| node.at_mut(place).is_some_and(Node::refuse)) || calm(node) {
            return Ok(());
        }
        self.refuse(draft, path, why)
    }

    /// Takes the next candidate; without one, leaves the field out, or goes around it.
    fn refuse(&mut self, draft: &mut Node, path: &[usize], why: &str) -> Result<(), Hopeless> {
        if draft.at_mut(path).is_some_and(Node::refuse) {
            return Ok(());
        }
        let reason = format!("{}: {why}", shown(draft, path));
        if let Some((part, above)) = path.split_last()
            && part % 2 == 1
            && let Some(parent) = draft.at_mut(above)
            && matches!(parent.ask, Some(Ask::Struct(_)))
            && let Some(entries) = parent.entries()
            && part / 2 < entries.len()
        {
            entries.remove(part / 2);
            self.gaps.push(reason.clone());
            self.left_out = Some(reason);
            return Ok(());
        }
        self.go_around(draft, path, &reason, true)
    }

    /// Stops a type from containing itself.
    fn leave(&mut self, draft: &mut Node, path: &[usize]) -> Result<(), Hopeless> {
        let why = format!("{}: {}", shown(draft, path), Fault::Endless);
        self.go_around(draft, path, &why, false)
    }

    /// Takes another way at the nearest place above that has one: no value, no item, another variant.
    fn go_around(
        &mut self,
        draft: &mut Node,
        path: &[usize],
        why: &str,
        is_gap: bool,
    ) -> Result<(), Hopeless> {
        for length in (0..path.len()).rev() {
            let Some(above) = draft.at_mut(&path[..length]) else { continue };
            let has_another = above.ask.as_ref().is_some_and(Ask::has_a_way_around);
            if has_another && above.refuse() || refuse_tag(above) {
                self.gaps.extend(is_gap.then(|| why.to_owned()));
                return Ok(());
            }
        }
        Err(why.to_owned())
    }
}

/// The newest node of that kind, at a path or beneath it.
fn newest(draft: &Node, path: &[usize], is_meant: impl Fn(&Node) -> bool) -> Option<Vec<usize>> {
    let found = draft.at(path)?.all().into_iter().filter(|(_, node)| is_meant(node));
    let (beneath, _) = found.max_by_key(|(_, node)| node.id)?;
    Some([path, &beneath].concat())
}

/// Lets the newest variant that is only named hold something; false when there is none.
fn hold(draft: &mut Node, path: &[usize]) -> bool {
    let is_name = |node: &Node| {
        node.is_buffered && matches!((&node.ask, &node.content), (Some(Ask::Tag(_)), Content::Text(_)))
    };
    let Some(node) = newest(draft, path, is_name).and_then(|path| draft.at_mut(&path)) else { return false };
    if let Content::Text(name) = &node.content {
        node.content = Content::Variant(name.clone(), Box::new(Node::hole(name)));
    }
    true
}

fn is_open_leaf(node: &Node) -> bool {
    let is_leaf = matches!(
        node.ask,
        Some(Ask::Any | Ask::Text | Ask::Integer(..) | Ask::Float(_) | Ask::Character | Ask::Bool)
    );
    is_leaf && node.is_buffered
}

/// Takes values that go together wherever the extremes are still tried; false when there are none.
fn calm(node: &mut Node) -> bool {
    let places: Vec<_> = node.all().into_iter().map(|(place, _)| place).collect();
    let mut is_calmer = false;
    for place in places {
        let Some(leaf) = node.at_mut(&place) else { continue };
        if let Some(calm) = leaf.ask.as_ref().and_then(Ask::calm)
            && leaf.candidate < calm
            && leaf.take(calm)
        {
            is_calmer = true;
        }
    }
    is_calmer
}

/// Takes another variant of an object that names its variant in a field.
fn refuse_tag(object: &mut Node) -> bool {
    let fields = object.children().len();
    let Some(tag) = (0..fields).find(|part| object.is_tag_at(&[*part])) else { return false };
    let Some(tag) = object.at_mut(&[tag]).and_then(|tag| tag.refuse().then_some(tag.id)) else {
        return false;
    };
    object.forget_fields_beside(tag);
    true
}
