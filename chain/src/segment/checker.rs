//! The lines of a segment one by one: what each may say in its place, given those before it.

use super::{CheckedSegment, Expected, Head};
use crate::checkpoint::{SignedCheckpoint, parse_checkpoint_line};
use crate::cursor::LineError;
use crate::fault::{Fault, SegmentFault};
use crate::frame::Frames;
use crate::hash::{Hash, leaf_hashes};
use crate::limits::{MAX_INDEX, MAX_OBJECT_BYTES};
use crate::line::{Body, Close, KeyChange, Line, Open, format_of, parse_line};
use crate::timestamp::Timestamp;
use crate::tree::{CompactRange, GrowingRange};

/// Most lines that are hashed at once: enough to keep all lanes busy, and few enough that a frame of empty lines takes no memory.
const LINES_AT_ONCE: usize = 1024;

#[derive(Clone, Copy)]
pub(crate) struct FramePlace {
    pub(crate) in_first_frame: bool,
    pub(crate) begins_frame: bool,
}

/// What the lines so far have shown. Also used by the builder, to take up a segment that a crash left open.
pub(crate) struct Checker<'e> {
    expected: Expected<'e>,
    lines: u64,
    pub(crate) opening: Option<Opening>,
    pub(crate) closing: Option<Closing>,
    close_line: Vec<u8>,
}

/// What is known once the open line has been read.
pub(crate) struct Opening {
    pub(crate) before: Head,
    pub(crate) opened: Timestamp,
    pub(crate) range: GrowingRange,
    pub(crate) last_leaf: Hash,
    pub(crate) last_time: Timestamp,
    pub(crate) events: u64,
    pub(crate) key_change: Option<KeyChange>,
}

/// What is known once the close line has been read.
#[derive(Clone, Copy)]
pub(crate) struct Closing {
    pub(crate) sealed: Timestamp,
    pub(crate) frames: Hash,
}

impl<'e> Checker<'e> {
    pub(crate) const fn new(expected: Expected<'e>) -> Self {
        Self {
            expected,
            lines: 0,
            opening: None,
            closing: None,
            close_line: Vec::new(),
        }
    }

    /// Checks a whole object, and hands over each leaf line once it was checked; what is wrong comes with its place.
    pub(super) fn check(
        mut self,
        object: &[u8],
        each: &mut impl FnMut(&[u8], &Line<'_>),
    ) -> Result<CheckedSegment, SegmentFault> {
        self.object(object, each).map_err(|fault| {
            let in_line = self.lines > 0 && !fault.is_of_frames();
            SegmentFault {
                line: in_line.then_some(self.lines),
                index: self.next_index(),
                fault,
            }
        })
    }

    fn next_index(&self) -> Option<u64> {
        self.opening.as_ref().map(|opening| opening.range.size())
    }

    fn object(
        &mut self,
        object: &[u8],
        each: &mut impl FnMut(&[u8], &Line<'_>),
    ) -> Result<CheckedSegment, Fault> {
        if object.len() > MAX_OBJECT_BYTES {
            let what = "bytes in a segment object";
            return Err(Fault::Limit {
                what,
                limit: MAX_OBJECT_BYTES,
                found: object.len(),
            });
        }
        let mut frames = Frames::new(object);
        let mut bytes = 0u64;
        let mut signed = None;
        while signed.is_none() {
            if frames.is_empty() {
                return Err(Fault::Truncated {
                    expected: self.awaited(),
                });
            }
            let in_first_frame = frames.taken() == 0;
            let content = frames.next_frame()?;
            bytes = bytes.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX));
            self.frame(content, in_first_frame, &mut signed, each)?;
        }
        if !frames.is_empty() {
            // Bytes that are not a frame have a fault of their own (F3).
            frames.next_frame()?;
            self.lines = self.lines.saturating_add(1);
            return Err(Fault::LineOrder {
                expected: "the end of the segment",
                found: "another frame",
            });
        }
        frames.last_is_stored()?;
        let found = frames.hash_before_last();
        match self.closing {
            Some(Closing {
                frames: expected, ..
            }) if expected != found => Err(Fault::FramesMismatch { expected, found }),
            _ => self.segment(signed, bytes),
        }
    }

    /// The lines of a frame. Their leaf hashes are made many at once; what is wrong is found line by line nevertheless.
    fn frame(
        &mut self,
        content: &[u8],
        in_first_frame: bool,
        signed: &mut Option<SignedCheckpoint>,
        each: &mut impl FnMut(&[u8], &Line<'_>),
    ) -> Result<(), Fault> {
        let mut rest = lines_of(content);
        let (mut lines, mut leaves) = (Vec::new(), Vec::new());
        let mut place = FramePlace {
            in_first_frame,
            begins_frame: true,
        };
        loop {
            lines.clear();
            lines.extend(rest.by_ref().take(LINES_AT_ONCE));
            if lines.is_empty() {
                return Ok(());
            }
            leaf_hashes(&lines, &mut leaves);
            for (line, leaf) in lines.iter().zip(&leaves) {
                self.line(line, Hash::from_bytes(*leaf), place, signed, each)?;
                place.begins_frame = false;
            }
        }
    }

    fn line(
        &mut self,
        line: &[u8],
        leaf: Hash,
        place: FramePlace,
        signed: &mut Option<SignedCheckpoint>,
        each: &mut impl FnMut(&[u8], &Line<'_>),
    ) -> Result<(), Fault> {
        self.lines = self.lines.saturating_add(1);
        if signed.is_some() {
            return Err(Fault::LineOrder {
                expected: "the end of the segment",
                found: "a line",
            });
        }
        if self.lines == 1 {
            self.same_format(line)?;
        }
        if self.closing.is_none() {
            let parsed = parse_line(line).map_err(|error| not_a_leaf(line, error))?;
            self.leaf(&parsed, leaf, place)?;
            if self.closing.is_some() {
                self.close_line = line.to_vec();
            }
            each(line, &parsed);
            return Ok(());
        }
        *signed = Some(self.checkpoint(line, place)?);
        Ok(())
    }

    /// The format number comes first (F18): a line of another format may have another form.
    fn same_format(&self, line: &[u8]) -> Result<(), Fault> {
        let expected = self.expected.format;
        match format_of(line) {
            Some(found) if found != expected => Err(Fault::FormatMismatch { expected, found }),
            _ => Ok(()),
        }
    }

    /// What the next line should be, in words.
    fn awaited(&self) -> &'static str {
        match (&self.opening, self.closing) {
            (None, _) => "the open line",
            (Some(_), None) => "an entry or the close line",
            (Some(_), Some(_)) => "the checkpoint",
        }
    }

    /// Takes one leaf line: all lines but the checkpoint.
    pub(crate) fn leaf(
        &mut self,
        line: &Line<'_>,
        leaf: Hash,
        place: FramePlace,
    ) -> Result<(), Fault> {
        let Some(opening) = &mut self.opening else {
            let Body::Open(open) = &line.body else {
                return Err(Fault::LineOrder {
                    expected: "the open line",
                    found: kind(&line.body),
                });
            };
            self.opening = Some(open_line(self.expected, line, open, leaf)?);
            return Ok(());
        };
        if line.index != opening.range.size() {
            return Err(Fault::IndexMismatch {
                expected: opening.range.size(),
                found: line.index,
            });
        }
        if line.prev != opening.last_leaf {
            return Err(Fault::PrevMismatch {
                expected: opening.last_leaf,
                found: line.prev,
            });
        }
        not_before(opening.last_time, line.time)?;
        match &line.body {
            Body::Open(_) => {
                return Err(Fault::LineOrder {
                    expected: "an entry or the close line",
                    found: kind(&line.body),
                });
            }
            Body::Key(change) => {
                let second = opening.range.size() == opening.before.range.size().saturating_add(1);
                if !second || !place.in_first_frame {
                    let expected = "an entry or the close line in a frame after the first";
                    return Err(Fault::LineOrder {
                        expected,
                        found: "a key line",
                    });
                }
                key_line(change, &opening.before)?;
                opening.key_change = Some((**change).clone());
            }
            Body::Entry(_) => {
                if place.in_first_frame {
                    let expected = "the end of the first frame";
                    return Err(Fault::LineOrder {
                        expected,
                        found: "an entry",
                    });
                }
                opening.events = opening.events.saturating_add(1);
            }
            Body::Close(close) => {
                if place.in_first_frame || !place.begins_frame {
                    let expected = "the close line at the beginning of the last frame";
                    return Err(Fault::LineOrder {
                        expected,
                        found: "the close line in another",
                    });
                }
                close_line(close, opening, line.time)?;
                self.closing = Some(Closing {
                    sealed: close.sealed,
                    frames: close.frames,
                });
            }
        }
        opening.last_time = line.time;
        opening.last_leaf = leaf;
        append(&mut opening.range, leaf)
    }

    fn checkpoint(&mut self, bytes: &[u8], place: FramePlace) -> Result<SignedCheckpoint, Fault> {
        let signed = parse_checkpoint_line(bytes).map_err(|error| match parse_line(bytes) {
            Ok(line) => Fault::LineOrder {
                expected: "the checkpoint",
                found: kind(&line.body),
            },
            Err(_) => error.into(),
        })?;
        if place.begins_frame {
            let expected = "the checkpoint in the frame of the close line";
            return Err(Fault::LineOrder {
                expected,
                found: "the end of that frame",
            });
        }
        let Some(opening) = &mut self.opening else {
            return Err(Fault::LineOrder {
                expected: "the open line",
                found: "the checkpoint",
            });
        };
        let checkpoint = &signed.checkpoint;
        if checkpoint.origin != *self.expected.origin {
            return Err(Fault::OriginMismatch {
                expected: self.expected.origin.clone(),
                found: checkpoint.origin.clone(),
            });
        }
        if checkpoint.size != opening.range.size() {
            return Err(Fault::SizeMismatch {
                expected: opening.range.size(),
                found: checkpoint.size,
            });
        }
        let root = opening.range.settle().root();
        if checkpoint.root != root {
            return Err(Fault::RootMismatch {
                expected: root,
                found: checkpoint.root,
            });
        }
        Ok(signed)
    }

    fn segment(
        &mut self,
        signed: Option<SignedCheckpoint>,
        bytes: u64,
    ) -> Result<CheckedSegment, Fault> {
        let truncated = Fault::Truncated {
            expected: self.awaited(),
        };
        let (Some(opening), Some(closing), Some(signed)) =
            (self.opening.take(), self.closing, signed)
        else {
            return Err(truncated);
        };
        let head = Head {
            origin: opening.before.origin.clone(),
            next_segment: opening.before.next_segment.saturating_add(1),
            range: opening.range.into_range(),
            last_leaf: opening.last_leaf,
            sealed: Some(closing.sealed),
        };
        Ok(CheckedSegment {
            before: opening.before,
            head,
            opened: opening.opened,
            sealed: closing.sealed,
            events: opening.events,
            bytes,
            key_change: opening.key_change,
            close_line: std::mem::take(&mut self.close_line),
            signed,
        })
    }
}

/// The lines of a frame, each without its newline; every frame ends in one.
pub(super) fn lines_of(mut content: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (line, rest) = content.split_at_checked(memchr::memchr(b'\n', content)?)?;
        content = rest.strip_prefix(b"\n")?;
        Some(line)
    })
}

/// A line that is not a leaf, because it is the checkpoint, is in the wrong place, not in the wrong form.
#[cold]
fn not_a_leaf(bytes: &[u8], error: LineError) -> Fault {
    match parse_checkpoint_line(bytes) {
        Ok(_) => Fault::LineOrder {
            expected: "an entry or the close line",
            found: "the checkpoint",
        },
        Err(_) => error.into(),
    }
}

const fn kind(body: &Body<'_>) -> &'static str {
    match body {
        Body::Open(_) => "an open line",
        Body::Key(_) => "a key line",
        Body::Entry(_) => "an entry",
        Body::Close(_) => "the close line",
    }
}

fn not_before(earliest: Timestamp, found: Timestamp) -> Result<(), Fault> {
    if found < earliest {
        Err(Fault::TimeDecreased {
            expected: earliest,
            found,
        })
    } else {
        Ok(())
    }
}

fn append(range: &mut GrowingRange, leaf: Hash) -> Result<(), Fault> {
    let full = Fault::Limit {
        what: "lines in a log",
        limit: usize::try_from(MAX_INDEX).unwrap_or(usize::MAX),
        found: usize::try_from(range.size()).unwrap_or(usize::MAX),
    };
    if range.size() >= MAX_INDEX.saturating_sub(1) {
        return Err(full);
    }
    range.append(leaf).ok_or(full)
}

fn open_line(
    expected: Expected<'_>,
    line: &Line<'_>,
    open: &Open,
    leaf: Hash,
) -> Result<Opening, Fault> {
    if open.format != expected.format {
        return Err(Fault::FormatMismatch {
            expected: expected.format,
            found: open.format,
        });
    }
    if open.origin != *expected.origin {
        let (expected, found) = (expected.origin.clone(), open.origin.clone());
        return Err(Fault::OriginMismatch { expected, found });
    }
    if open.segment != expected.segment {
        return Err(Fault::SegmentMismatch {
            expected: expected.segment,
            found: open.segment,
        });
    }
    let roots = u64::try_from(open.left.len()).unwrap_or(u64::MAX);
    let range =
        CompactRange::from_roots(line.index, open.left.clone()).ok_or(Fault::LeftCount {
            expected: line.index.count_ones().into(),
            found: roots,
        })?;
    let before = if open.segment == 0 {
        first_open_line(line, open)?
    } else {
        not_before(open.sealed_before, line.time)?;
        Head {
            origin: open.origin.clone(),
            next_segment: open.segment,
            range,
            last_leaf: line.prev,
            sealed: Some(open.sealed_before),
        }
    };
    let mut range = GrowingRange::new(before.range.clone());
    append(&mut range, leaf)?;
    Ok(Opening {
        before,
        opened: line.time,
        range,
        last_leaf: leaf,
        last_time: line.time,
        events: 0,
        key_change: None,
    })
}

/// The open line of segment 0 says that nothing came before it (F5, F17).
fn first_open_line(line: &Line<'_>, open: &Open) -> Result<Head, Fault> {
    let head = Head::of_new_log(open.origin.clone());
    if line.index != 0 {
        return Err(Fault::IndexMismatch {
            expected: 0,
            found: line.index,
        });
    }
    if line.prev != head.last_leaf {
        return Err(Fault::PrevMismatch {
            expected: head.last_leaf,
            found: line.prev,
        });
    }
    if open.sealed_before != line.time {
        let (expected, found) = (line.time, open.sealed_before);
        return Err(Fault::SealedBeforeMismatch { expected, found });
    }
    Ok(head)
}

fn key_line(change: &KeyChange, before: &Head) -> Result<(), Fault> {
    let wrong = |expected: &str, found: String| {
        Err(Fault::KeyLine {
            expected: expected.to_owned(),
            found,
        })
    };
    for key in std::iter::once(&change.verifier_key).chain(&change.previous) {
        if *key.origin() != before.origin {
            return wrong(
                &format!("a key of {}", before.origin),
                format!("one of {}", key.origin()),
            );
        }
    }
    match (&change.previous, before.next_segment) {
        (Some(previous), 0) => wrong("no previous key in segment 0", previous.to_string()),
        (None, 1..) => wrong("the previous key", "none".to_owned()),
        (Some(previous), _) if *previous == change.verifier_key => {
            wrong("another key than the previous one", previous.to_string())
        }
        _ => Ok(()),
    }
}

fn close_line(close: &Close, opening: &mut Opening, time: Timestamp) -> Result<(), Fault> {
    if close.segment != opening.before.next_segment {
        let (expected, found) = (opening.before.next_segment, close.segment);
        return Err(Fault::SegmentMismatch { expected, found });
    }
    if close.events != opening.events {
        return Err(Fault::EventsMismatch {
            expected: opening.events,
            found: close.events,
        });
    }
    if close.segment == 0 && close.events != 0 {
        return Err(Fault::FirstSegmentNotEmpty {
            found: close.events,
        });
    }
    if close.segment == 0 && opening.key_change.is_none() {
        return Err(Fault::KeyLineMissing);
    }
    not_before(time, close.sealed)?;
    let range = opening.range.settle();
    if close.left != range.roots() {
        let expected = range.roots().to_vec();
        return Err(Fault::LeftMismatch {
            expected,
            found: close.left.clone(),
        });
    }
    Ok(())
}
