//! Who may send to an input now: secrets are replaced while senders come.

use std::sync::{Arc, PoisonError, RwLock};

use super::access::Access;

/// Who may send now. Clones share it.
#[derive(Clone, Default)]
pub struct Guard(Arc<RwLock<Arc<Access>>>);

impl Guard {
    /// Whoever asks keeps what is returned, so that one request is judged by secrets that belong together.
    pub fn access(&self) -> Arc<Access> {
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now)
    }

    /// From now on, requests and connections are judged by this.
    pub fn replace(&self, access: Access) {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(access);
    }
}

impl From<Access> for Guard {
    fn from(access: Access) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(access))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_replaces_the_rest() {
        let keys = |guard: &Guard| guard.access().shared_keys.clone();
        let access = |key: &[u8]| Access {
            shared_keys: vec![key.to_vec()],
            ..Access::default()
        };
        let guard = Guard::from(access(b"old"));
        let (held, other) = (guard.access(), guard.clone());
        guard.replace(access(b"new"));
        assert_eq!(keys(&other), [b"new"]);
        assert_eq!(held.shared_keys, [b"old"]);
    }
}
