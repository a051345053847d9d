//! One protobuf message as JSON.

use std::collections::BTreeMap;

use data_encoding::{Encoding, Specification};
use prost_reflect::prost::bytes::Buf;
use prost_reflect::prost::encoding::{WireType, decode_key, decode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, UnknownField, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Style;
use super::descriptor;
use super::form::{self, Form};
use super::quoted::quoted_printable;

/// Base64 in lines of 76 characters (RFC 2045), each with its line feed.
pub(super) static BASE64: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
    let mut specification: Specification = data_encoding::BASE64.specification();
    specification.wrap.width = 76;
    specification.wrap.separator.push('\n');
    // Fixed, so it is either always sound or never.
    #[allow(clippy::expect_used, reason = "does not depend on input")]
    specification.encoding().expect("base64 with line feeds")
});

/// A message as CRIT shows it.
pub(super) struct ShownMessage<'a> {
    pub(super) message: &'a DynamicMessage,
    pub(super) style: Style,
    /// Whether all numbers are hexadecimal, since those of the message around are.
    pub(super) hex: bool,
}

impl ShownMessage<'_> {
    /// Adds the fields to `map`, which may get more.
    pub(super) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (field, value) in self.message.fields() {
            let shown = ShownField {
                field: &field,
                value,
                style: self.style,
                hex: self.hex,
            };
            map.serialize_entry(self.name(&field), &shown)?;
        }
        let mut unknown: BTreeMap<u32, Vec<&UnknownField>> = BTreeMap::new();
        for field in self.message.unknown_fields() {
            unknown.entry(field.number()).or_default().push(field);
        }
        for (number, fields) in unknown {
            let key = number.to_string();
            match &*fields {
                [field] => map.serialize_entry(&key, &Unknown(field))?,
                fields => {
                    let fields: Vec<_> = fields.iter().map(|field| Unknown(field)).collect();
                    map.serialize_entry(&key, &fields)?;
                }
            }
        }
        Ok(())
    }

    /// CRIU 4.2 gave field 2 of a pagemap entry another name, and its old one to the new field 5.
    fn name<'b>(&self, field: &'b FieldDescriptor) -> &'b str {
        match field.name() {
            "compat_nr_pages" if !self.message.has_field_by_name("nr_pages") => "nr_pages",
            name => name,
        }
    }
}

impl Serialize for ShownMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.fields(&mut map)?;
        map.end()
    }
}

struct ShownField<'a> {
    field: &'a FieldDescriptor,
    value: &'a Value,
    style: Style,
    hex: bool,
}

impl Serialize for ShownField<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = descriptor::form(self.field);
        if self.hex {
            form = Form::Hex;
        }
        let Value::List(values) = self.value else {
            return self.one(self.value, form, serializer);
        };
        let mut list = serializer.serialize_seq(None)?;
        if self.style == Style::Readable && form == Form::Address {
            let words: Vec<u32> = values.iter().filter_map(Value::as_u32).collect();
            if let Some(address) = form::address(&words) {
                list.serialize_element(&address)?;
                return list.end();
            }
        }
        for value in values {
            list.serialize_element(&Element {
                field: self,
                value,
                form,
            })?;
        }
        list.end()
    }
}

struct Element<'a> {
    field: &'a ShownField<'a>,
    value: &'a Value,
    form: Form,
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.field.one(self.value, self.form, serializer)
    }
}

impl ShownField<'_> {
    fn one<S: Serializer>(&self, value: &Value, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::U32(value) => self.unsigned((*value).into(), form, serializer),
            Value::U64(value) => self.unsigned(*value, form, serializer),
            Value::I32(value) => self.signed((*value).into(), form, serializer),
            Value::I64(value) => self.signed(*value, form, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) if form == Form::QuotedPrintable => {
                serializer.serialize_str(&quoted_printable(bytes))
            }
            Value::Bytes(bytes) => serializer.serialize_str(&BASE64.encode(bytes)),
            Value::EnumNumber(number) => match self.field.kind() {
                Kind::Enum(descriptor) => match descriptor.get_value(*number) {
                    Some(value) => serializer.serialize_str(value.name()),
                    None => serializer.serialize_i32(*number),
                },
                _ => serializer.serialize_i32(*number),
            },
            Value::Message(message) => {
                let shown = ShownMessage {
                    message,
                    style: self.style,
                    hex: form == Form::Hex,
                };
                shown.serialize(serializer)
            }
            // No message here has such fields.
            Value::F32(value) => serializer.serialize_f32(*value),
            Value::F64(value) => serializer.serialize_f64(*value),
            Value::List(_) | Value::Map(_) => serializer.serialize_unit(),
        }
    }

    fn unsigned<S: Serializer>(&self, value: u64, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let written = (self.style == Style::Readable).then(|| form.write(value));
        match written.flatten() {
            Some(text) => serializer.serialize_str(&text),
            None => serializer.serialize_u64(value),
        }
    }

    fn signed<S: Serializer>(&self, value: i64, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value, form, serializer),
            Err(_) if self.style == Style::Readable && form == Form::Hex => {
                serializer.serialize_str(&format!("-{:#x}", value.unsigned_abs()))
            }
            Err(_) => serializer.serialize_i64(value),
        }
    }
}

/// A field that no message here has: a number, or bytes in base64.
struct Unknown<'a>(&'a UnknownField);

impl Serialize for Unknown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut encoded = Vec::new();
        self.0.encode(&mut encoded);
        let mut rest = &encoded[..];
        // What was decoded and encoded again begins with its key.
        let wire = decode_key(&mut rest).map_or(WireType::LengthDelimited, |(_, wire)| wire);
        match wire {
            WireType::Varint => serializer.serialize_u64(decode_varint(&mut rest).unwrap_or_default()),
            WireType::ThirtyTwoBit => serializer.serialize_u32(rest.try_get_u32_le().unwrap_or_default()),
            WireType::SixtyFourBit => serializer.serialize_u64(rest.try_get_u64_le().unwrap_or_default()),
            WireType::LengthDelimited => {
                // The length.
                let _ = decode_varint(&mut rest);
                serializer.serialize_str(&BASE64.encode(rest))
            }
            WireType::StartGroup | WireType::EndGroup => serializer.serialize_str(&BASE64.encode(rest)),
        }
    }
}
