//! Where events come from, and under which name the spool keeps how much of them was accepted.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{FileFault, InputError, InputKind};
use auditlog_sealer::input::{
    FileHead, GivenName, InputName, Position, Running, hash_of_beginning,
};
use auditlog_sealer::spool::{Accepted, Inputs, KnownInput};

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
    /// The hash of the resolved path of a file.
    place: Option<Hash>,
    change: Change,
}

/// What a person says of an input that is not as it was when it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing: it is refused.
    Refused,
    /// It is the same input, written again or with a last line that has grown.
    Named,
}

enum Kind {
    Given(GivenName),
    File(File),
    Unnamed,
}

impl Events {
    /// Opens a file, or standard input. Only a regular file has a name of its own.
    pub(super) fn open(
        path: Option<&Path>,
        name: Option<GivenName>,
        change: Change,
    ) -> Result<Self, InputError> {
        let path = path.filter(|path| *path != Path::new("-"));
        let (reader, file): (Box<dyn Read + Send>, _) = match path {
            None => (Box::new(io::stdin()), None),
            Some(path) => {
                let (reader, file) = open(path).map_err(unreadable(path))?;
                (Box::new(reader), file)
            }
        };
        let place = file.as_ref().and(path).and_then(place);
        let shown = path.map_or_else(|| "standard input".to_owned(), shown);
        let (shown, kind) = match (name, file) {
            (Some(name), _) => (name.to_string(), Kind::Given(name)),
            (None, Some(file)) => (shown, Kind::File(file)),
            (None, None) => (shown, Kind::Unnamed),
        };
        let identity = Identity {
            kind,
            shown,
            place,
            change,
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

/// One path may be written in many ways, through links and through `..`.
fn place(path: &Path) -> Option<Hash> {
    let resolved = fs::canonicalize(path).ok()?;
    Some(Running::of(resolved.as_os_str().as_encoded_bytes()))
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

    /// The input of which this file took the place: one under the same path that begins with all that was accepted from that.
    /// An editor, a copy or an export has written it again, and its events would be sealed twice. A file that is rotated begins
    /// in another way. Of several, the one of which most was accepted.
    pub(super) fn written_again<'i>(
        &self,
        inputs: &'i Inputs,
    ) -> Result<Option<&'i Accepted>, InputError> {
        let Kind::File(file) = &self.kind else {
            return Ok(None);
        };
        let mut found: Option<&Accepted> = None;
        for known in inputs.iter() {
            let (accepted, position) = (&known.accepted, known.accepted.position);
            let more = found.is_none_or(|found| found.position.bytes < position.bytes);
            if !more || !self.has_the_place_of(accepted) {
                continue;
            }
            let hash = hash_of_beginning(file, position.bytes);
            if hash.map_err(unreadable(Path::new(&self.shown)))? == Some(position.hash) {
                found = Some(accepted);
            }
        }
        Ok(found)
    }

    fn has_the_place_of(&self, accepted: &Accepted) -> bool {
        let same = accepted.shown == self.shown || accepted.place == self.place;
        matches!(accepted.name, InputName::File(_)) && same
    }

    /// Refuses a file that was written again, unless a person says that it is the same input.
    pub(super) fn must_not_repeat(&self, accepted: &Accepted) -> Result<(), InputError> {
        match self.change {
            Change::Named => Ok(()),
            Change::Refused => Err(InputError::WrittenAgain {
                input: self.shown.clone(),
                events: accepted.position.events,
                bytes: accepted.position.bytes,
            }),
        }
    }

    /// What a person says of changes.
    pub(super) const fn change(&self) -> Change {
        self.change
    }

    /// What the spool keeps of it.
    pub(super) fn accepted(&self, name: InputName, position: Position) -> Accepted {
        Accepted {
            doubtful: 0,
            name,
            shown: self.shown.clone(),
            place: self.place,
            position,
        }
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
