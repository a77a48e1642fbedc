//! Reads a draft as a type asks for it, as far as the first hole or complaint.
//!
//! It answers as `serde_json` would. What goes wrong is noted with the path where it did, since the error
//! itself may be changed, or dropped, by the code it passes through.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

use super::ask::Ask;
use super::draft::{Content, Node};
use super::fault::Fault;
use super::parts::{Chosen, Entries, Held, Parts};

/// How deep a draft can be: far below where a stack ends, and where `serde_json` refuses.
const DEEPEST: usize = 40;

/// How `serde_json` asks for JSON as it stands.
const RAW: &str = "$serde_json::private::RawValue";

/// What one reading found.
#[derive(Debug, Default)]
pub(super) struct Trace {
    path: RefCell<Vec<usize>>,
    found: RefCell<Option<(Vec<usize>, Fault)>>,
    /// The types that the path leads through.
    within: RefCell<Vec<&'static str>>,
    /// How often a type may stand within itself.
    repeats: usize,
    /// The last field that was read: a type that sees it twice says so before it reads the value.
    pub(super) last_entry: Cell<usize>,
    /// Whether the hole that was found is in a type that stands within itself.
    pub(super) is_within_itself: Cell<bool>,
}

impl Trace {
    pub(super) fn allowing(repeats: usize) -> Self {
        Self { repeats, ..Self::default() }
    }

    /// What stopped the reading and where, if anything did; and where it is by now.
    pub(super) fn found(self) -> (Option<(Vec<usize>, Fault)>, Vec<usize>) {
        (self.found.into_inner(), self.path.into_inner())
    }

    fn note(&self, fault: &Fault) {
        let mut found = self.found.borrow_mut();
        // A hole is to be filled, also when somebody got over an earlier fault.
        let is_hole = matches!(fault, Fault::Asked(_));
        let has_hole = matches!(*found, Some((_, Fault::Asked(_))));
        if found.is_none() || is_hole && !has_hole {
            *found = Some((self.path.borrow().clone(), fault.clone()));
            let within = self.within.borrow();
            self.is_within_itself.set((1..within.len()).any(|at| within[..at].contains(&within[at])));
        }
    }

    /// Reads the part of that number, noting what goes wrong there.
    pub(super) fn part<T>(&self, part: usize, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        self.path.borrow_mut().push(part);
        let result = read();
        if let Err(fault) = &result {
            self.note(fault);
        }
        self.path.borrow_mut().pop();
        result
    }

    /// Reads a type that has a name, unless it stands within itself too often by now.
    fn named<T>(&self, name: &'static str, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        let times = self.within.borrow().iter().filter(|other| **other == name).count();
        let fault = Fault::Endless;
        if times > self.repeats || self.within.borrow().len() > DEEPEST {
            self.note(&fault);
            return Err(fault);
        }
        self.within.borrow_mut().push(name);
        let result = read();
        self.within.borrow_mut().pop();
        result
    }
}

/// The deserializer of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracer<'a> {
    pub(super) node: &'a Node,
    pub(super) trace: &'a Trace,
}

impl<'a> Tracer<'a> {
    pub(super) fn to(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// Reads what is there, or asks for it.
    pub(super) fn read<'de, V: Visitor<'de>>(self, ask: Ask, visitor: V) -> Result<V::Value, Fault> {
        let fault = match &self.node.content {
            Content::Hole if self.trace.path.borrow().len() > DEEPEST => Fault::Endless,
            Content::Hole => Fault::Asked(ask),
            Content::Null => return visitor.visit_unit(),
            Content::Bool(value) => return visitor.visit_bool(*value),
            Content::Number(number) => {
                return match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(value), ..) => visitor.visit_u64(value),
                    (None, Some(value), _) => visitor.visit_i64(value),
                    (.., value) => visitor.visit_f64(value.unwrap_or_default()),
                };
            }
            Content::Text(text) => return visitor.visit_str(text),
            Content::Some(node) => return self.trace.part(0, || self.to(node).read(ask, visitor)),
            Content::Sequence(nodes) => return visitor.visit_seq(Parts { tracer: self, nodes, next: 0 }),
            Content::Object(entries) => {
                return visitor.visit_map(Entries { tracer: self, entries, next: 0 });
            }
            Content::Variant(name, node) => {
                let held = (node.ask != Some(Ask::Empty)).then_some((name.as_str(), &**node));
                let Some(held) = held else { return visitor.visit_str(name) };
                return visitor.visit_map(Held { tracer: self, held: Some(held) });
            }
        };
        self.trace.note(&fault);
        Err(fault)
    }
}

/// Shows what a visitor expects.
struct Expectation<V>(V);

impl<'de, V: Visitor<'de>> fmt::Display for Expectation<&V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! asks {
    ($($method:ident: $ask:expr),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.read($ask, visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Fault;

    asks! {
        deserialize_bool: Ask::Bool,
        deserialize_i8: Ask::Integer(i8::MIN.into(), i8::MAX as u64),
        deserialize_i16: Ask::Integer(i16::MIN.into(), i16::MAX as u64),
        deserialize_i32: Ask::Integer(i32::MIN.into(), i32::MAX as u64),
        deserialize_i64: Ask::Integer(i64::MIN, i64::MAX as u64),
        deserialize_i128: Ask::Integer(i64::MIN, i64::MAX as u64),
        deserialize_u8: Ask::Integer(0, u8::MAX.into()),
        deserialize_u16: Ask::Integer(0, u16::MAX.into()),
        deserialize_u32: Ask::Integer(0, u32::MAX.into()),
        deserialize_u64: Ask::Integer(0, u64::MAX),
        deserialize_u128: Ask::Integer(0, u64::MAX),
        deserialize_f32: Ask::Float(1e38),
        deserialize_f64: Ask::Float(1e300),
        deserialize_char: Ask::Character,
        deserialize_str: Ask::Text,
        deserialize_string: Ask::Text,
        deserialize_bytes: Ask::Sequence,
        deserialize_byte_buf: Ask::Sequence,
        deserialize_unit: Ask::Unit,
        deserialize_seq: Ask::Sequence,
        deserialize_map: Ask::Map,
        deserialize_identifier: Ask::Identifier,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let expected = Expectation(&visitor).to_string();
        self.read(Ask::expecting(&expected).unwrap_or(Ask::Any), visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::Hole | Content::Null => self.read(Ask::Option, visitor),
            Content::Some(node) => self.trace.part(0, || visitor.visit_some(self.to(node))),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.read(Ask::Unit, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name != RAW {
            let read = || visitor.visit_newtype_struct(self);
            return self.trace.named(std::any::type_name::<V>(), read);
        }
        if matches!(self.node.content, Content::Hole) {
            return self.read(Ask::Raw, visitor);
        }
        let text = self.node.json().to_string();
        let mut json = serde_json::Deserializer::from_reader(text.as_bytes());
        json.deserialize_newtype_struct(name, visitor).map_err(Fault::custom)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.read(Ask::Tuple(length), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.trace.named(std::any::type_name::<V>(), || self.read(Ask::Tuple(length), visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let is_adjacent = Expectation(&visitor).to_string().starts_with("adjacently tagged enum");
        let ask = if is_adjacent { Ask::Adjacent(fields) } else { Ask::Struct(fields) };
        self.trace.named(std::any::type_name::<V>(), || self.read(ask, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.trace.named(std::any::type_name::<V>(), || match &self.node.content {
            Content::Variant(name, node) => visitor.visit_enum(Chosen { tracer: self.to(node), name }),
            Content::Hole => self.read(Ask::Enum(variants), visitor),
            _ => Err(Fault::Refused("it is not an enum's variant".into())),
        })
    }
}
