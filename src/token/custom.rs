//! The application's own claims, decoded by serde from the members that the
//! strict reader left over: registered claims never reach the caller's type.

use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::borrowed::CustomMember;

/// Decodes `C` from the custom members of one payload.
pub(crate) fn deserialize_custom<C: DeserializeOwned>(
    members: &[CustomMember<'_>],
) -> Result<C, serde_json::Error> {
    C::deserialize(Members {
        rest: members.iter(),
        value: None,
    })
}

struct Members<'m, 's> {
    rest: std::slice::Iter<'m, CustomMember<'s>>,
    value: Option<&'s str>,
}

impl<'de> Deserializer<'de> for Members<'_, '_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.rest.as_slice().is_empty() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value.raw());
        let name: Cow<'_, str> = name.to_cow();
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        // serde asks for a value only after a key; `null` stands in if a visitor breaks that rule.
        let text = self.value.take().unwrap_or("null");
        seed.deserialize(&mut serde_json::Deserializer::from_reader(text.as_bytes()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
