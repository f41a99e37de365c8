//! Lists, also where producers write one value or `null` in their place.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::{MapAccessDeserializer, StrDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{LEFT_OUT, STRICT, fitting};

/// A list; `null` and anything that is no list count as an empty one. An element of a wrong type, or `null` in place of one,
/// is left out, and the report becomes partial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

/// One value or a list of them; `null` counts as an empty list. Elements as in a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMany<T>(pub Vec<T>);

macro_rules! list_like {
    ($list:ident) => {
        impl<T> Default for $list<T> {
            fn default() -> Self {
                $list(Vec::new())
            }
        }

        impl<T> Deref for $list<T> {
            type Target = Vec<T>;
            fn deref(&self) -> &Vec<T> {
                &self.0
            }
        }

        impl<T> IntoIterator for $list<T> {
            type Item = T;
            type IntoIter = std::vec::IntoIter<T>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }
        }

        impl<'a, T> IntoIterator for &'a $list<T> {
            type Item = &'a T;
            type IntoIter = std::slice::Iter<'a, T>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

list_like!(List);
list_like!(OneOrMany);

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if STRICT.get() {
            return Option::<Entries<T>>::deserialize(deserializer).map(|list| List(list.unwrap_or_default().0));
        }
        Ok(match Value::deserialize(deserializer)? {
            Value::Array(elements) => List(elements.into_iter().filter_map(entry).collect()),
            other => List(fitting(other).unwrap_or_default()),
        })
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if STRICT.get() {
            return deserializer.deserialize_any(OneOrManyVisitor(PhantomData)).map(OneOrMany);
        }
        Ok(match Value::deserialize(deserializer)? {
            Value::Array(elements) => OneOrMany(elements.into_iter().filter_map(entry).collect()),
            other => OneOrMany(fitting(other).into_iter().collect()),
        })
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<T: DeserializeOwned> OneOrManyVisitor<T> {
    fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        T::deserialize(deserializer).map(|one| vec![one])
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one value or a list of them")
    }
    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        Self::one(StrDeserializer::new(text))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Vec<T>, E> {
        Self::one(StringDeserializer::new(text))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
        Self::one(value.into_deserializer())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Vec<T>, E> {
        Self::one(value.into_deserializer())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<T>, E> {
        Self::one(value.into_deserializer())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Vec<T>, E> {
        Self::one(value.into_deserializer())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        Self::one(MapAccessDeserializer::new(map))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Vec<T>, A::Error> {
        entries(elements)
    }
}

/// On the first attempt `null` in place of an entry is an error, so that the second one notes it.
fn entries<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut elements: A) -> Result<Vec<T>, A::Error> {
    let mut entries = Vec::new();
    while let Some(element) = elements.next_element::<Option<T>>()? {
        entries.push(element.ok_or_else(|| A::Error::custom(NO_ENTRY))?);
    }
    Ok(entries)
}

struct Entries<T>(Vec<T>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntriesVisitor(PhantomData)).map(Entries)
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Vec<T>, A::Error> {
        entries(elements)
    }
}

/// An element of a list. Where `null` stands for a value, nothing was said; where it stands for an entry, one is missing.
fn entry<T: DeserializeOwned>(value: Value) -> Option<T> {
    if value.is_null() {
        LEFT_OUT.with_borrow_mut(|left_out| left_out.push(NO_ENTRY.to_owned()));
    }
    fitting(value)
}

const NO_ENTRY: &str = "null stands in place of an entry";
