//! The planes of a checkpoint.

use std::fmt;

/// What is sealed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Plane {
    /// Memory pages, equally long, each at a known address.
    Page,
    /// Protobuf entries: many short messages of differing lengths.
    Protobuf,
    /// Raw payloads (ghost files, pipes, sockets): streams, cut into chunks.
    Raw,
}

impl Plane {
    /// Every plane.
    pub const ALL: [Self; 3] = [Self::Page, Self::Protobuf, Self::Raw];

    /// The stable text form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Protobuf => "protobuf",
            Self::Raw => "raw",
        }
    }

    /// The plane of that identifier.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plane| plane.id() == id)
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
