//! RELP, the Reliable Event Logging Protocol: `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. Each frame of a client is answered by one of the same
//! number, in the same order.

use std::io::Write as _;

use super::MAX_MESSAGE_BYTES;
use super::framing::decimal;

/// Digits of a number.
const MAX_DIGITS: usize = 9;

/// Letters of a command.
const MAX_COMMAND: usize = 32;

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begins a session.
    Open(Version),
    /// Sends a message.
    Syslog,
    /// Ends a session.
    Close,
}

/// The highest version that both sides know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u8);

/// A frame of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number, which its answer has too.
    pub number: u32,
    /// What it asks for.
    pub command: Command,
    /// Its data.
    pub data: &'a [u8],
}

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelpError {
    /// The bytes are not a frame.
    #[error("expected a frame of RELP")]
    NotAFrame,
    /// The data is too long.
    #[error("a frame of RELP has more than {MAX_MESSAGE_BYTES} bytes of data")]
    TooLong,
    /// Nobody knows the command.
    #[error("the command {0} of RELP is not supported: expected open, syslog or close")]
    Command(String),
    /// The client does not say which version it has.
    #[error("the client of RELP does not say which version it has")]
    NoVersion,
}

/// The first frame, and how many bytes it has; `None` where more must come.
///
/// # Errors
///
/// Where it is not a frame, or one that nobody may send. Nothing after it can be read.
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, RelpError> {
    let mut reader = Reader { rest: bytes };
    let found = match reader.frame() {
        Ok(frame) => frame,
        Err(Stop::More) => return Ok(None),
        Err(Stop::Wrong(error)) => return Err(error),
    };
    let length = bytes.len().saturating_sub(reader.rest.len());
    Ok(Some((found, length)))
}

/// Why there is not a frame.
enum Stop {
    More,
    Wrong(RelpError),
}

const NOT_A_FRAME: Stop = Stop::Wrong(RelpError::NotAFrame);

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn frame(&mut self) -> Result<Frame<'a>, Stop> {
        let number = self.word(u8::is_ascii_digit, MAX_DIGITS, b" ")?;
        let command = self.word(u8::is_ascii_alphabetic, MAX_COMMAND, b" ")?;
        let length = self.word(u8::is_ascii_digit, MAX_DIGITS, b" \n")?;
        let length = decimal(length);
        if length > MAX_MESSAGE_BYTES {
            return Err(Stop::Wrong(RelpError::TooLong));
        }
        // Without data, there may be a space or not.
        let is_separated = self.byte()? == b' ';
        if length > 0 && !is_separated {
            return Err(NOT_A_FRAME);
        }
        let (data, rest) = self.rest.split_at_checked(length).ok_or(Stop::More)?;
        self.rest = rest;
        if is_separated && self.byte()? != b'\n' {
            return Err(NOT_A_FRAME);
        }
        Ok(Frame {
            number: u32::try_from(decimal(number)).unwrap_or(0),
            command: Command::parse(command, data).map_err(Stop::Wrong)?,
            data,
        })
    }

    /// A word of at most so many bytes. A space after it is taken, and a line end is not.
    fn word(
        &mut self,
        is_of_word: impl Fn(&u8) -> bool,
        most: usize,
        ends: &[u8],
    ) -> Result<&'a [u8], Stop> {
        let length = self.rest.iter().take_while(|byte| is_of_word(byte)).count();
        let (word, rest) = self.rest.split_at_checked(length).ok_or(Stop::More)?;
        if length > most {
            return Err(NOT_A_FRAME);
        }
        let end = rest.first().ok_or(Stop::More)?;
        if length == 0 || !ends.contains(end) {
            return Err(NOT_A_FRAME);
        }
        self.rest = if ends == b" " {
            rest.get(1..).unwrap_or_default()
        } else {
            rest
        };
        Ok(word)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let (byte, rest) = self.rest.split_first().ok_or(Stop::More)?;
        self.rest = rest;
        Ok(*byte)
    }
}

impl Command {
    fn parse(name: &[u8], data: &[u8]) -> Result<Self, RelpError> {
        match name {
            b"open" => Ok(Self::Open(Version::offered(data)?)),
            b"syslog" => Ok(Self::Syslog),
            b"close" => Ok(Self::Close),
            other => Err(RelpError::Command(
                String::from_utf8_lossy(other).into_owned(),
            )),
        }
    }
}

impl Version {
    /// Clients from before the specification have version 0, and librelp has it to this day.
    fn offered(data: &[u8]) -> Result<Self, RelpError> {
        let mut lines = data.split(|byte| *byte == b'\n');
        let version = lines.find_map(|line| line.strip_prefix(b"relp_version="));
        match version {
            Some(b"0") => Ok(Self(0)),
            Some([b'1'..=b'9', ..]) => Ok(Self(1)),
            Some(_) | None => Err(RelpError::NoVersion),
        }
    }

    /// What the answer says, so that the client goes on.
    pub fn accepted(self) -> String {
        format!(
            "200 OK\nrelp_version={}\nrelp_software=auditlog-seal\ncommands=syslog",
            self.0
        )
    }
}

/// Adds the answer to a frame.
pub fn push_answer(to: &mut Vec<u8>, number: u32, data: &str) {
    // Writing into a vector cannot fail.
    _ = match data.len() {
        0 => writeln!(to, "{number} rsp 0"),
        length => writeln!(to, "{number} rsp {length} {data}"),
    };
}

/// Adds the hint that the server goes away.
pub fn push_server_close(to: &mut Vec<u8>) {
    to.extend_from_slice(b"0 serverclose 0\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found<'a> = (u32, Command, &'a [u8]);

    fn frames(mut bytes: &[u8]) -> Result<Vec<Found<'_>>, RelpError> {
        let mut found = Vec::new();
        while let Some((frame, length)) = next_frame(bytes)? {
            found.push((frame.number, frame.command, frame.data));
            bytes = &bytes[length..];
        }
        assert_eq!(bytes, b"");
        Ok(found)
    }

    /// As librelp 1.11 sends it.
    const OPEN: &[u8] =
        b"1 open 86 relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n";

    #[test]
    fn session_of_librelp_is_read_and_answered() {
        let bytes = [OPEN, b"2 syslog 6 <1>a\nb\n3 close 0\n4 close 0 \n"].concat();
        let found = frames(&bytes).unwrap();
        let offers = &OPEN[10..OPEN.len() - 1];
        assert_eq!(
            found,
            [
                (1, Command::Open(Version(0)), offers),
                (2, Command::Syslog, b"<1>a\nb"),
                (3, Command::Close, b""),
                (4, Command::Close, b""),
            ]
        );
        for length in 0..OPEN.len() {
            assert_eq!(next_frame(&OPEN[..length]), Ok(None), "{length}");
        }
        let mut answers = Vec::new();
        push_answer(&mut answers, 1, &Version(0).accepted());
        push_answer(&mut answers, 2, "200 OK");
        push_answer(&mut answers, 3, "");
        push_server_close(&mut answers);
        let expected = "1 rsp 65 200 OK\nrelp_version=0\nrelp_software=auditlog-seal\ncommands=syslog\n2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n";
        assert_eq!(String::from_utf8(answers).unwrap(), expected);
    }

    #[test]
    fn client_of_a_later_version_gets_ours() {
        let version = |offers: &[u8]| Version::offered(offers);
        assert_eq!(version(b"relp_version=1"), Ok(Version(1)));
        assert_eq!(version(b"commands=syslog\nrelp_version=27"), Ok(Version(1)));
        for none in [&b""[..], b"relp_version=", b"relp_version=x", b"version=1"] {
            assert_eq!(version(none), Err(RelpError::NoVersion), "{none:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_frames_are_refused_at_once() {
        for wrong in [
            &b"<34>1 - - - - - -\n"[..],
            b"GET / HTTP/1.1\r\n",
            b"1234567890 syslog 1 x\n",
            b"1 syslog 1234567890 x\n",
            b"1  syslog 1 x\n",
            b"1 syslog x\n",
            b"1 syslog 1\n",
            b"1 syslog 1 xy",
            b"1 syslog 0 x",
            b"1 syslog1 1 x\n",
            b"1\n",
            &[b'1'; 40],
            &[&b"1 "[..], &[b'a'; 40]].concat(),
        ] {
            let found = next_frame(wrong);
            assert_eq!(found, Err(RelpError::NotAFrame), "{wrong:?}");
        }
        assert_eq!(next_frame(b"1 syslog 524289"), Ok(None));
        assert_eq!(next_frame(b"1 syslog 524289 "), Err(RelpError::TooLong));
        let command = RelpError::Command("rsp".to_owned());
        assert_eq!(next_frame(b"1 rsp 6 200 OK\n"), Err(command));
    }
}
