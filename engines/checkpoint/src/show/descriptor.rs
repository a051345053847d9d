//! The messages of `proto/images/`, looked up by name, and the form of each of their fields.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, Value};

use super::form::Form;

const PACKAGE: &str = "criu.images";

struct Messages {
    pool: DescriptorPool,
    /// By message and field number. A field that is not here has [`Form::Decimal`].
    forms: HashMap<(String, u32), Form>,
}

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/images.bin"));
    // The build wrote these bytes from the `.proto` files; that they are sound does not depend on input.
    #[allow(clippy::expect_used, reason = "the build's own output")]
    let pool = DescriptorPool::decode(bytes).expect("descriptors that the build has written");
    let mut forms = HashMap::new();
    if let Some(option) = pool.get_extension_by_name(&format!("{PACKAGE}.as")) {
        for message in pool.all_messages() {
            for field in message.fields() {
                if let Value::EnumNumber(number) = *field.options().get_extension(&option)
                    && let Some(form) = Form::from_number(number)
                {
                    forms.insert((message.full_name().to_owned(), field.number()), form);
                }
            }
        }
    }
    Messages { pool, forms }
});

/// The message that CRIU calls `name`.
pub(super) fn message(name: &str) -> Option<MessageDescriptor> {
    MESSAGES.pool.get_message_by_name(&format!("{PACKAGE}.{name}"))
}

/// How a field is written for people.
pub(super) fn form(field: &FieldDescriptor) -> Form {
    let key = (field.parent_message().full_name().to_owned(), field.number());
    MESSAGES.forms.get(&key).copied().unwrap_or(Form::Decimal)
}
