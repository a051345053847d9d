//! A list in a scenario file, or the word `all`.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// `all`, or a list of values with their places in the file.
#[derive(Clone, Debug, Default)]
pub enum Selection<T> {
    /// Everything there is.
    #[default]
    All,
    /// These, in this order.
    These(Vec<Spanned<T>>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Selection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrList<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for AllOrList<T> {
            type Value = Selection<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a list")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                if word == "all" {
                    return Ok(Selection::All);
                }
                Err(E::invalid_value(de::Unexpected::Str(word), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = sequence.next_element()? {
                    values.push(value);
                }
                Ok(Selection::These(values))
            }
        }

        deserializer.deserialize_any(AllOrList(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Selection<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("AllOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({
            "description": "The word `all`, or a list without repetitions.",
            "oneOf": [
                { "const": "all" },
                { "type": "array", "items": item, "minItems": 1, "uniqueItems": true }
            ]
        })
    }
}
