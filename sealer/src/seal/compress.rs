//! Compressing on another thread, frame by frame, while more lines are chained.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use auditlog_chain::builder::{BuildError, Frames, Level};

use crate::error::{Error, MachineError};

/// Frames that wait for the compressor. Their contents are in memory.
const WAITING_FRAMES: usize = 4;

/// The frames of one segment, in the making.
pub(super) struct Compressing {
    contents: SyncSender<Vec<u8>>,
    thread: JoinHandle<Result<Frames, BuildError>>,
}

impl Compressing {
    /// Begins with a segment.
    pub(super) fn start(level: Level) -> Result<Self, Error> {
        let (contents, waiting) = sync_channel::<Vec<u8>>(WAITING_FRAMES);
        let compress = move || {
            let mut frames = Frames::new(level);
            for content in waiting {
                frames.push(&content)?;
            }
            Ok(frames)
        };
        let builder = thread::Builder::new().name("compress".to_owned());
        let thread = builder.spawn(compress).map_err(MachineError::NoThread)?;
        Ok(Self { contents, thread })
    }

    /// Compresses the content of one more frame.
    pub(super) fn push(&self, content: Vec<u8>) {
        // A compressor that has failed has ended, and says why in the end.
        _ = self.contents.send(content);
    }

    /// All frames.
    pub(super) fn finish(self) -> Result<Frames, Error> {
        drop(self.contents);
        let frames = self.thread.join().unwrap_or(Err(BuildError::Compress));
        Ok(frames?)
    }
}
