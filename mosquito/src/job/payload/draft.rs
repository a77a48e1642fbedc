//! A JSON value in the making: what is not known yet is a hole.

use serde_json::{Map, Number, Value};

use super::ask::Ask;
use super::fault::Given;

/// One value of the draft, with what was asked for there.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What the type asked for; `None` for a hole.
    pub(super) ask: Option<Ask>,
    pub(super) content: Content,
    /// Which of the ask's candidates it holds.
    pub(super) candidate: usize,
    /// The candidates that the type would not take.
    pub(super) refused: Vec<usize>,
    /// Its number in order of being filled, over all drafts; 0 for a hole.
    pub(super) id: usize,
    /// Whether serde keeps it in between before the type sees it, and what is wrong with it is told elsewhere.
    pub(super) is_buffered: bool,
    /// Whether it is in a type that stands within itself, and so is varied where the type stands first.
    pub(super) is_within_itself: bool,
    /// The field or variant it is for.
    pub(super) label: String,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Hole,
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Some(Box<Node>),
    Sequence(Vec<Node>),
    Object(Vec<Entry>),
    /// A variant of an enum, and what it holds.
    Variant(String, Box<Node>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

impl Entry {
    /// A field that is known by name.
    pub(super) fn hole(name: &str) -> Self {
        let key = Node { content: Content::Text(name.to_owned()), ..Node::hole(name) };
        Self { key, value: Node::hole(name) }
    }
}

impl Node {
    pub(super) fn hole(label: &str) -> Self {
        Self {
            ask: None,
            content: Content::Hole,
            candidate: 0,
            refused: Vec::new(),
            id: 0,
            is_buffered: false,
            is_within_itself: false,
            label: label.to_owned(),
        }
    }

    /// Its parts, in the order that paths count them: an entry is two, its key and its value.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.content {
            Content::Some(node) | Content::Variant(_, node) => vec![node],
            Content::Sequence(nodes) => nodes.iter().collect(),
            Content::Object(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
            _ => Vec::new(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.content {
            Content::Some(node) | Content::Variant(_, node) => vec![node],
            Content::Sequence(nodes) => nodes.iter_mut().collect(),
            Content::Object(entries) => {
                entries.iter_mut().flat_map(|entry| [&mut entry.key, &mut entry.value]).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn at(&self, path: &[usize]) -> Option<&Self> {
        path.iter().try_fold(self, |node, part| node.children().get(*part).copied())
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, part| node.children_mut().into_iter().nth(*part))
    }

    /// It and everything beneath it with its path, parents first.
    pub(super) fn all(&self) -> Vec<(Vec<usize>, &Self)> {
        let mut found = Vec::new();
        self.collect(Vec::new(), &mut found);
        found
    }

    fn collect<'a>(&'a self, path: Vec<usize>, found: &mut Vec<(Vec<usize>, &'a Self)>) {
        found.push((path.clone(), self));
        for (part, child) in self.children().into_iter().enumerate() {
            let mut path = path.clone();
            path.push(part);
            child.collect(path, found);
        }
    }

    /// Where the node of that number stands by now.
    pub(super) fn find(&self, id: usize) -> Option<Vec<usize>> {
        self.all().into_iter().find(|(_, node)| node.id == id).map(|(path, _)| path)
    }

    /// Takes another candidate; false when there is none of that index.
    pub(super) fn take(&mut self, candidate: usize) -> bool {
        let Some(content) = self.ask.as_ref().and_then(|ask| ask.candidate(candidate, &self.label)) else {
            return false;
        };
        (self.content, self.candidate) = (content, candidate);
        true
    }

    /// Takes the next candidate that was not refused, counting the present one as refused.
    pub(super) fn refuse(&mut self) -> bool {
        self.refused.push(self.candidate);
        let next = (0..).take_while(|index| self.has(*index)).find(|index| !self.refused.contains(index));
        next.is_some_and(|index| self.take(index))
    }

    fn has(&self, candidate: usize) -> bool {
        self.ask.as_ref().is_some_and(|ask| ask.candidate(candidate, &self.label).is_some())
    }

    pub(super) fn entries(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.content {
            Content::Object(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn has_entry(&self, name: &str) -> bool {
        match &self.content {
            Content::Object(entries) => entries.iter().any(|entry| entry.key.text() == name),
            _ => false,
        }
    }

    /// Whether the value at a path says what stands in the fields beside it.
    pub(super) fn is_tag_at(&self, path: &[usize]) -> bool {
        let has = |ask: Option<&Ask>, is: fn(&Ask) -> bool| ask.is_some_and(is);
        let ask = |path| self.at(path).and_then(|node| node.ask.as_ref());
        has(ask(path), |ask| matches!(ask, Ask::Tag(_)))
            || path.split_last().is_some_and(|(part, above)| {
                *part == 1 && has(ask(above), |ask| matches!(ask, Ask::Adjacent(_)))
            })
    }

    /// Forgets the fields that another variant had, given the number of the tag; those of the new one are missed again.
    pub(super) fn forget_fields_beside(&mut self, tag: usize) {
        let is_fixed = matches!(self.ask, Some(Ask::Adjacent(_)));
        let Some(entries) = self.entries() else { return };
        let is_tag = |node: &Self| node.id == tag || matches!(node.ask, Some(Ask::Tag(_)));
        entries.retain(|entry| is_fixed || is_tag(&entry.value));
        for entry in entries.iter_mut().filter(|entry| !is_tag(&entry.value)) {
            entry.value = Self::hole(&entry.value.label);
        }
    }

    /// Whether it is what a type complained of.
    pub(super) fn is(&self, given: &Given) -> bool {
        match (&self.content, given) {
            (Content::Null, Given::Nothing)
            | (Content::Sequence(_), Given::Sequence)
            | (Content::Object(_), Given::Object) => true,
            (Content::Bool(own), Given::Bool(other)) => own == other,
            (Content::Number(own), Given::Unsigned(other)) => own.as_u64() == Some(*other),
            (Content::Number(own), Given::Signed(other)) => own.as_i64() == Some(*other),
            (Content::Number(own), Given::Float(other)) => own.is_f64() && own.as_f64() == Some(*other),
            (Content::Text(own), Given::Text(other)) => own == other,
            _ => false,
        }
    }

    /// The fields that are written and yet were never missed, each with the place of its object: an optional
    /// one of a struct whose fields nobody lists.
    pub(super) fn unasked(&self, written: &Value) -> Vec<(Vec<usize>, String)> {
        let mut found = Vec::new();
        for (path, node) in self.all() {
            let (Content::Object(_), Some(Ask::Entries)) = (&node.content, &node.ask) else { continue };
            let Some(fields) = self.same_place(&path, written).and_then(Value::as_object) else { continue };
            let unasked = fields.keys().filter(|name| !node.has_entry(name));
            found.extend(unasked.map(|name| (path.clone(), name.clone())));
        }
        found
    }

    pub(super) fn same_place<'v>(&self, path: &[usize], written: &'v Value) -> Option<&'v Value> {
        let Some((part, rest)) = path.split_first() else { return Some(written) };
        let next = match &self.content {
            Content::Some(_) => Some(written),
            Content::Sequence(_) => written.get(part),
            Content::Object(entries) => written.get(entries.get(part / 2)?.key.text()),
            Content::Variant(name, _) => written.get(name),
            _ => None,
        };
        self.children().get(*part)?.same_place(rest, next?)
    }

    /// As it stands so far, without its holes.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Hole | Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::Some(node) => node.json(),
            Content::Sequence(nodes) => nodes.iter().map(Self::json).collect(),
            Content::Object(entries) => {
                let known = entries.iter().filter(|entry| !matches!(entry.value.content, Content::Hole));
                Value::Object(known.map(|entry| (entry.key.text(), entry.value.json())).collect())
            }
            Content::Variant(name, node) => match node.ask {
                Some(Ask::Empty) => Value::String(name.clone()),
                _ => Value::Object(Map::from_iter([(name.clone(), node.json())])),
            },
        }
    }

    /// As the key of an object, which is a text whatever it is read as.
    pub(super) fn text(&self) -> String {
        match self.json() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

/// A path as a person writes it: `to[0].street`.
pub(super) fn shown(root: &Node, path: &[usize]) -> String {
    let mut words = String::new();
    let mut node = root;
    for part in path {
        match &node.content {
            Content::Sequence(_) => words.push_str(&format!("[{part}]")),
            Content::Object(entries) => {
                let name = entries.get(part / 2).map(|entry| entry.key.text()).unwrap_or_default();
                words.push_str(&format!(".{name}"));
            }
            Content::Variant(name, _) => words.push_str(&format!(".{name}")),
            _ => (),
        }
        let Some(next) = node.children().get(*part).copied() else { break };
        node = next;
    }
    match words.trim_start_matches('.') {
        "" => "the arguments".to_owned(),
        words => format!("`{words}`"),
    }
}
