//! Where events come from, and under which name the spool keeps how much of them was accepted.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{FileFault, InputError, InputKind};
use auditlog_sealer::input::{FileHead, GivenName, InputName, hash_of_beginning};
use auditlog_sealer::spool::{Inputs, KnownInput};

/// Characters of a path that are kept for messages.
const MAX_SHOWN: usize = 255;

/// An input before it is read.
pub(super) struct Events {
    /// Its bytes.
    pub(super) reader: Box<dyn Read + Send>,
    /// What it is recognised by.
    pub(super) identity: Identity,
}

/// What an input is recognised by.
pub(super) struct Identity {
    kind: Kind,
    shown: String,
}

enum Kind {
    Given(GivenName),
    File(File),
    Unnamed,
}

impl Events {
    /// Opens a file, or standard input. Only a regular file has a name of its own.
    pub(super) fn open(path: Option<&Path>, name: Option<GivenName>) -> Result<Self, InputError> {
        let path = path.filter(|path| *path != Path::new("-"));
        let (reader, file): (Box<dyn Read + Send>, _) = match path {
            None => (Box::new(io::stdin()), None),
            Some(path) => {
                let (reader, file) = open(path).map_err(unreadable(path))?;
                (Box::new(reader), file)
            }
        };
        let shown = path.map_or_else(|| "standard input".to_owned(), shown);
        let identity = match (name, file) {
            (Some(name), _) => Identity {
                shown: name.to_string(),
                kind: Kind::Given(name),
            },
            (None, Some(file)) => Identity {
                shown,
                kind: Kind::File(file),
            },
            (None, None) => Identity {
                shown,
                kind: Kind::Unnamed,
            },
        };
        Ok(Self { reader, identity })
    }
}

/// The file to read, and the same file once more where it is a regular one.
fn open(path: &Path) -> io::Result<(File, Option<File>)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let again = found.is_file().then(|| file.try_clone()).transpose()?;
    Ok((file, again))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> InputError {
    let path = path.to_owned();
    move |source| InputError::Unreadable(FileFault::of("the events cannot be read", &path)(source))
}

fn shown(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().chars().take(MAX_SHOWN).collect()
}

impl Identity {
    /// The input as a person knows it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// How it goes on after an interruption.
    pub(super) const fn kind(&self) -> InputKind {
        match self.kind {
            Kind::Given(_) => InputKind::Given,
            Kind::File(_) => InputKind::File,
            Kind::Unnamed => InputKind::Unnamed,
        }
    }

    /// What the spool knows of it.
    pub(super) fn known<'i>(
        &self,
        inputs: &'i Inputs,
    ) -> Result<Option<&'i KnownInput>, InputError> {
        match &self.kind {
            Kind::Given(name) => Ok(inputs.find(&InputName::Given(name.clone()))),
            Kind::File(file) => Ok(inputs.find_file(&self.head(file)?)),
            Kind::Unnamed => Ok(None),
        }
    }

    /// Refuses a file that took the place of another one under the same path, and begins with all that was accepted from
    /// that: an editor, a copy or an export has written it again, and its events would be sealed twice. A file that is
    /// rotated begins in another way.
    pub(super) fn must_not_repeat(&self, inputs: &Inputs) -> Result<(), InputError> {
        let Kind::File(file) = &self.kind else {
            return Ok(());
        };
        for known in inputs.iter() {
            let (accepted, position) = (&known.accepted, known.accepted.position);
            if !matches!(accepted.name, InputName::File(_)) || accepted.shown != self.shown {
                continue;
            }
            let found = hash_of_beginning(file, position.bytes);
            if found.map_err(unreadable(Path::new(&self.shown)))? == Some(position.hash) {
                return Err(InputError::WrittenAgain {
                    input: self.shown.clone(),
                    events: position.events,
                    bytes: position.bytes,
                });
            }
        }
        Ok(())
    }

    /// The name that it gets when the first event of it is accepted.
    pub(super) fn new_name(&self, now: Timestamp) -> Result<InputName, InputError> {
        match &self.kind {
            Kind::Given(name) => Ok(InputName::Given(name.clone())),
            Kind::File(file) => Ok(InputName::File(self.head(file)?.name())),
            Kind::Unnamed => Ok(InputName::Unnamed(now)),
        }
    }

    fn head(&self, file: &File) -> Result<FileHead, InputError> {
        FileHead::read(file).map_err(unreadable(Path::new(&self.shown)))
    }
}
