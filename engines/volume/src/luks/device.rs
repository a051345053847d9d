//! Where a volume lies.

use std::sync::Arc;

use crate::store::Store;

/// The store of a volume's header, and that of its data if it is another one.
#[derive(Clone)]
pub struct Device {
    header: Arc<dyn Store>,
    data: Option<Arc<dyn Store>>,
}

impl Device {
    /// Header and data on one store.
    pub fn attached(store: Arc<dyn Store>) -> Self {
        Self {
            header: store,
            data: None,
        }
    }

    /// A detached header.
    pub fn detached(header: Arc<dyn Store>, data: Arc<dyn Store>) -> Self {
        Self {
            header,
            data: Some(data),
        }
    }

    /// The store that the header is on.
    pub fn header(&self) -> &Arc<dyn Store> {
        &self.header
    }

    /// The store that the data are on.
    pub fn data(&self) -> &Arc<dyn Store> {
        self.data.as_ref().unwrap_or(&self.header)
    }

    /// Whether the header is on a store of its own.
    pub fn is_detached(&self) -> bool {
        self.data.is_some()
    }

    /// The size of a data store of its own.
    pub(super) fn detached_bytes(&self) -> Option<u64> {
        self.data.as_ref().map(|data| data.size())
    }
}
