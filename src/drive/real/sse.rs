//! Server-sent events, read as they come: split anywhere, any line ending, comments, bounded lines.
//!
//! Source: WHATWG HTML, "Server-sent events", 9.2.6. Only `data` matters here; `event`, `id` and `retry` are skipped.

/// A line, and the data of one event, may have so many bytes.
pub const LINE_MAX: usize = 1 << 20;

/// A line was longer than [`LINE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Bytes → the data of each event.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return: a line feed right after it ends no further line.
    after_return: bool,
}

impl Events {
    /// Takes in some bytes; calls `event` with the data of each event that they complete.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn feed(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8])) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.append(rest);
            };
            self.append(&rest[..end])?;
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.end_line(&mut event)?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LINE_MAX {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, event: &mut impl FnMut(&[u8])) -> Result<(), TooLong> {
        if self.line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                event(&self.data);
            }
            self.data.clear();
            return Ok(());
        }
        if let Some(value) = self.line.strip_prefix(b"data") {
            let value = match value {
                [] => Some(value),
                [b':', b' ', rest @ ..] | [b':', rest @ ..] => Some(rest),
                _ => None,
            };
            if let Some(value) = value {
                if self.data.len() + value.len() + 1 > LINE_MAX {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
        }
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        for piece in pieces {
            events.feed(piece, |data| found.push(String::from_utf8_lossy(data).into_owned())).unwrap();
        }
        found
    }

    #[test]
    fn events_survive_any_split_and_any_line_ending() {
        // The same three events in each of the three line endings, cut into two at every place.
        let text = ": hello\ndata: one\n\nevent: x\ndata:two\ndata: lines\nid: 4\n\ndatum: no\n\ndata\n\n";
        for ending in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', ending);
            for cut in 0..=text.len() {
                let (left, right) = text.as_bytes().split_at(cut);
                assert_eq!(read(&[left, right]), ["one", "two\nlines", ""], "{ending:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_out_yet() {
        assert!(read(&[b"data: half\n"]).is_empty());
    }

    #[test]
    fn lines_without_end_are_refused() {
        // An endless line, and an endless event of short lines: neither may fill the memory.
        let mut events = Events::default();
        assert_eq!(events.feed(&vec![b'x'; LINE_MAX + 1], |_| ()), Err(TooLong));
        let mut events = Events::default();
        let outcome = (0..LINE_MAX).map(|_| events.feed(b"data: xxxxxxxx\n", |_| ())).find(Result::is_err);
        assert_eq!(outcome, Some(Err(TooLong)));
    }
}
