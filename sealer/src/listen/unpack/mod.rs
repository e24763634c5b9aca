//! Compressed bodies. What comes out is bounded, so that a small body cannot fill the memory.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// Largest window of a zstd frame, as a power of two. Stops a frame of a few bytes that asks for 128 MiB.
const MAX_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// It is as it is.
    Identity,
    /// gzip, of any number of members.
    Gzip,
    /// zstd, of any number of frames.
    Zstd,
}

impl Encoding {
    /// That of a `Content-Encoding`; `None` where it is not supported.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// That of bytes that begin with the mark of a compressed format.
    pub fn of_mark(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Identity,
        }
    }
}

/// Why a body cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// More comes out than may.
    #[error("the body has more than {limit} bytes after decompression")]
    TooLarge {
        /// What may.
        limit: usize,
    },
    /// It is not in the format.
    #[error("the body cannot be decompressed: {0}")]
    Malformed(io::Error),
}

/// Reads what comes out of a compressed body.
pub enum Unpacked<R: Read> {
    /// It was not compressed.
    Identity(R),
    /// It was gzip.
    Gzip(Box<MultiGzDecoder<R>>),
    /// It was zstd.
    Zstd(Box<zstd::stream::read::Decoder<'static, io::BufReader<R>>>),
}

impl<R: Read> Unpacked<R> {
    /// Reads a body of an encoding.
    ///
    /// # Errors
    ///
    /// Where memory does not suffice for it.
    pub fn new(encoding: Encoding, body: R) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Identity => Self::Identity(body),
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(body))),
            Encoding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(body)?;
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Identity(body) => body.read(into),
            Self::Gzip(body) => body.read(into),
            Self::Zstd(body) => body.read(into),
        }
    }
}

/// Decompresses a body of which at most `limit` bytes may come out.
///
/// # Errors
///
/// Where more comes out, or the bytes are not in the format.
pub fn unpack(encoding: Encoding, body: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    if encoding == Encoding::Identity {
        return if body.len() > limit {
            Err(UnpackError::TooLarge { limit })
        } else {
            Ok(Cow::Borrowed(body))
        };
    }
    let unpacked = Unpacked::new(encoding, body).map_err(UnpackError::Malformed)?;
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    let read = unpacked.take(most).read_to_end(&mut bytes);
    let read = read.map_err(UnpackError::Malformed)?;
    if read > limit {
        return Err(UnpackError::TooLarge { limit });
    }
    Ok(Cow::Owned(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 1).unwrap()
    }

    #[test]
    fn members_and_frames_in_a_row_are_read_to_the_end() {
        let two = [b"one\n".as_slice(), b"two\n"];
        for (encoding, packed) in [
            (Encoding::Gzip, two.map(gzip).concat()),
            (Encoding::Zstd, two.map(zstd).concat()),
            (Encoding::Identity, two.concat()),
        ] {
            assert_eq!(Encoding::of_mark(&packed), encoding);
            let unpacked = unpack(encoding, &packed, 8).unwrap();
            assert_eq!(*unpacked, *b"one\ntwo\n", "{encoding:?}");
        }
    }

    #[test]
    fn bombs_are_refused_before_they_are_in_memory() {
        let large = vec![b'x'; 9 << 20];
        for (encoding, packed) in [
            (Encoding::Gzip, gzip(&large)),
            (Encoding::Zstd, zstd(&large)),
            (Encoding::Identity, large.clone()),
        ] {
            let refused = unpack(encoding, &packed, 8 << 20).unwrap_err();
            let expected = "the body has more than 8388608 bytes after decompression";
            assert_eq!(refused.to_string(), expected, "{encoding:?}");
        }
        // A frame that asks for a window of 128 MiB, with nothing in it.
        let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        wide.window_log(27).unwrap();
        wide.write_all(&large).unwrap();
        wide.flush().unwrap();
        let wide = wide.finish().unwrap();
        assert!(matches!(
            unpack(Encoding::Zstd, &wide, 1 << 30),
            Err(UnpackError::Malformed(_))
        ));
    }

    #[test]
    fn cut_and_changed_bodies_are_refused_or_are_what_they_were() {
        for (encoding, packed) in [
            (Encoding::Gzip, gzip(b"{\"n\":1}\n")),
            (Encoding::Zstd, {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(b"{\"n\":1}\n").unwrap();
                encoder.finish().unwrap()
            }),
        ] {
            for length in 1..packed.len() {
                assert!(
                    unpack(encoding, &packed[..length], 100).is_err(),
                    "{encoding:?} {length}"
                );
            }
            for at in 0..packed.len() {
                let mut changed = packed.clone();
                changed[at] ^= 1;
                if let Ok(unpacked) = unpack(encoding, &changed, 100) {
                    assert_eq!(*unpacked, *b"{\"n\":1}\n", "{encoding:?} {at}");
                }
            }
        }
    }

    #[test]
    fn encodings_have_their_usual_names() {
        for (name, encoding) in [
            ("gzip", Some(Encoding::Gzip)),
            (" GZIP", Some(Encoding::Gzip)),
            ("x-gzip", Some(Encoding::Gzip)),
            ("zstd", Some(Encoding::Zstd)),
            ("identity", Some(Encoding::Identity)),
            ("br", None),
            ("gzip, zstd", None),
        ] {
            assert_eq!(Encoding::parse(name), encoding, "{name}");
        }
    }
}
