//! The engine that a command works with.

use sealab_engine::{Engine, Primitive};

use crate::candidates::{CANDIDATES, candidate};
use crate::failure::Failure;

/// The libraries to take if none is asked for, the best first.
const DEFAULT: [&str; 3] = ["aws-lc", "openssl", "rustcrypto"];

/// Opens the engine that is asked for, or else the first that is there and implements all of `needed`.
pub(crate) fn open(asked: Option<&str>, needed: &[Primitive]) -> Result<Box<dyn Engine>, Failure> {
    let lacks = |engine: &dyn Engine| {
        let has = engine.primitives();
        needed.iter().find(|primitive| !has.contains(primitive)).copied()
    };
    if let Some(id) = asked {
        let candidate = candidate(id).ok_or_else(|| Failure::Unknown {
            what: "engine",
            found: id.to_owned(),
            known: CANDIDATES
                .iter()
                .map(|known| known.id)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let engine = (candidate.open)().map_err(|error| Failure::Engine {
            id: id.to_owned(),
            problem: error.to_string(),
        })?;
        return match lacks(&*engine) {
            None => Ok(engine),
            Some(primitive) => Err(Failure::Engine {
                id: id.to_owned(),
                problem: format!("it does not implement {primitive}"),
            }),
        };
    }
    let found = DEFAULT
        .iter()
        .filter_map(|id| candidate(id))
        .filter_map(|candidate| (candidate.open)().ok())
        .find(|engine| lacks(&**engine).is_none());
    found.ok_or_else(|| Failure::Engine {
        id: DEFAULT.join(", "),
        problem: "none of them is there; `sealab engines` shows which are".to_owned(),
    })
}
