//! A store in memory, on the way to which the machine may stop before or after a call.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use auditlog_sealer::error::{Error, FileFault, StoreError};
use auditlog_sealer::store::{Created, Store, Version, VersionKind};

use crate::disk::Machine;

/// Objects that were created once.
pub(crate) type Objects = BTreeMap<String, Vec<u8>>;

/// A store, as a machine sees it.
pub(crate) struct Far {
    pub(crate) machine: Machine,
    pub(crate) objects: Arc<Mutex<Objects>>,
    pub(crate) away: Arc<AtomicBool>,
}

impl Far {
    fn call(&self) -> Result<(), Error> {
        let fault = FileFault::of("the store cannot be reached", Path::new("far"));
        let called: io::Result<()> = self.machine.call();
        called.map_err(|error| StoreError::File(fault(error)).into())
    }
}

impl Store for Far {
    fn place(&self) -> &'static str {
        "far"
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let keys: Vec<String> = self.objects.lock().unwrap().keys().cloned().collect();
        for key in keys.iter().filter(|key| key.starts_with(folder)) {
            visit(Version {
                key,
                kind: VersionKind::Object,
                modified: None,
            })?;
        }
        Ok(())
    }

    fn versions(&self, key: &str) -> Result<usize, Error> {
        Ok(usize::from(self.objects.lock().unwrap().contains_key(key)))
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.objects.lock().unwrap().get(key).cloned())
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error> {
        self.call()?;
        if self.away.load(Ordering::SeqCst) {
            let fault = FileFault::of("the store cannot be reached", Path::new("far"));
            let error = io::ErrorKind::TimedOut.into();
            return Err(StoreError::File(fault(error)).into());
        }
        let mut objects = self.objects.lock().unwrap();
        let is_there = objects.contains_key(key);
        objects
            .entry(key.to_owned())
            .or_insert_with(|| bytes.to_vec());
        drop(objects);
        self.call()?;
        Ok(if is_there {
            Created::Exists
        } else {
            Created::New
        })
    }
}
