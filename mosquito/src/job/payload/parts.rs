//! The parts of a draft's sequences, objects and variants, each read with its place on the path.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::ask::Ask;
use super::draft::{Content, Entry, Node};
use super::fault::Fault;
use super::tracer::Tracer;

/// The items of a sequence.
pub(super) struct Parts<'a> {
    pub(super) tracer: Tracer<'a>,
    pub(super) nodes: &'a [Node],
    pub(super) next: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.nodes.get(self.next) else { return Ok(None) };
        let part = self.next;
        self.next += 1;
        self.tracer.trace.part(part, || seed.deserialize(self.tracer.to(node))).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        None
    }
}

/// The fields of an object.
pub(super) struct Entries<'a> {
    pub(super) tracer: Tracer<'a>,
    pub(super) entries: &'a [Entry],
    pub(super) next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.get(self.next) else { return Ok(None) };
        let trace = self.tracer.trace;
        trace.last_entry.set(self.next);
        let read = || seed.deserialize(self.tracer.to(&entry.key));
        // A complaint about the name of a field is one about the struct, not about its key.
        let is_field = entry.key.ask.is_none() && !matches!(entry.key.content, Content::Hole);
        if is_field { read() } else { trace.part(2 * self.next, read) }.map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let at = self.next;
        self.next += 1;
        let entry = self.entries.get(at).ok_or_else(|| Fault::custom("a value was read before its key"))?;
        self.tracer.trace.part(2 * at + 1, || seed.deserialize(self.tracer.to(&entry.value)))
    }
}

/// A variant with what it holds, read as the object that it is in JSON.
pub(super) struct Held<'a> {
    pub(super) tracer: Tracer<'a>,
    pub(super) held: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Held<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.held.map(|(name, _)| seed.deserialize(Name(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (_, node) = self.held.take().ok_or_else(|| Fault::custom("a value was read twice"))?;
        self.tracer.trace.part(0, || seed.deserialize(self.tracer.to(node)))
    }
}

/// The variant of an enum.
pub(super) struct Chosen<'a> {
    pub(super) tracer: Tracer<'a>,
    pub(super) name: &'a str,
}

impl<'a, 'de> EnumAccess<'de> for Chosen<'a> {
    type Error = Fault;
    type Variant = Tracer<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Tracer<'a>), Fault> {
        Ok((seed.deserialize(Name(self.name))?, self.tracer))
    }
}

/// The name of a field or variant.
struct Name<'a>(&'a str);

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> VariantAccess<'de> for Tracer<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.trace.part(0, || self.read(Ask::Empty, serde::de::IgnoredAny)).map(|_| ())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.trace.part(0, || seed.deserialize(self))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.trace.part(0, || self.read(Ask::Tuple(length), visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.trace.part(0, || self.read(Ask::Struct(fields), visitor))
    }
}
