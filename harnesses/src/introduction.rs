//! Hello: who an implementation says it is.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::judge::said;
use crate::subject::Unavailable;

/// The version of the protocol.
pub(crate) const PROTOCOL: u64 = 1;

/// The first request.
pub(crate) fn request() -> String {
    format!("{{\"id\":0,\"operation\":\"hello\",\"protocol\":{PROTOCOL}}}\n")
}

/// Who a harness says it is.
pub(crate) struct Introduction {
    pub(crate) library: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) implements: BTreeSet<String>,
}

impl Introduction {
    pub(crate) fn read(answer: &Map<String, Json>) -> Result<Self, Unavailable> {
        if let Some(reason) = answer.get("error") {
            return Err(Unavailable {
                reason: said(reason),
                // The library's own word: it will not run here.
                missing: false,
            });
        }
        let broken = |reason: String| Unavailable {
            reason: format!("hello: {reason}"),
            missing: true,
        };
        match answer.get("protocol").and_then(Json::as_u64) {
            Some(PROTOCOL) => {}
            Some(other) => return Err(broken(format!("protocol {other}; it must be {PROTOCOL}"))),
            None => return Err(broken("the answer has no protocol".to_owned())),
        }
        let text = |name: &str| answer.get(name).map(said);
        let due = |name: &str| text(name).ok_or_else(|| broken(format!("the answer has no {name}")));
        let implements = answer.get("implements").and_then(Json::as_array);
        let implements = implements.ok_or_else(|| broken("the answer has no list implements".to_owned()))?;
        Ok(Self {
            library: due("library")?,
            version: due("version")?,
            description: text("description").unwrap_or_default(),
            implements: implements
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }
}
