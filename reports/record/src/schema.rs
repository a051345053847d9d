//! The JSON Schema of the run record.

/// The version of the record format. A reader refuses others; a field may be added without a new version, a field
/// never changes its meaning.
pub const SCHEMA: &str = "sealab-run/1";

/// The JSON Schema (draft 2020-12) of a run record.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(crate::Run);
    schema.insert("title".to_owned(), "Sealab run record, version 1".into());
    schema.to_value()
}
