//! The label by which the driver and the mock providers know that they speak of the same request.
//!
//! With it a request meets the same draws under both clocks. It stands in a header, and, when it has to get through a
//! gateway, which may strip that, also at the start of the prompt: `[lbsim-call …] `.

use super::ask::Origin;
use crate::world::provider::Call;

/// Name of the header.
pub const LABEL: &str = "x-lbsim-call";
/// Begins a prompt.
const OPENING: &str = "[lbsim-call ";
/// The last word of a label that goes through a gateway.
const VIA: &str = "via";

/// What a label says.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// The attempt.
    pub call: Call,
    /// The driver's name for it.
    pub tag: u64,
    /// [`Origin::Driver`] or [`Origin::Gateway`].
    pub origin: Origin,
}

impl Label {
    /// As text: `None` values are a dash.
    pub fn write(&self) -> String {
        let dash = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let Call { request, attempt, input, output, max_tokens, poison, poison_status } = &self.call;
        let (most, status, poison) = (dash(*max_tokens), dash(poison_status.map(u32::from)), u8::from(*poison));
        let via = if self.origin == Origin::Gateway { " via" } else { "" };
        format!("{request} {attempt} {input} {output} {most} {poison} {status} {}{via}", self.tag)
    }

    /// The start of a prompt.
    pub fn prefix(&self) -> String {
        format!("{OPENING}{}] ", self.write())
    }

    /// From the value of the header; `None`: it is not one of ours.
    pub fn read(text: &str) -> Option<Label> {
        let mut words = text.split(' ');
        let mut word = || words.next();
        let maybe = |word: &str| if word == "-" { Some(None) } else { word.parse::<u32>().ok().map(Some) };
        let call = Call {
            request: word()?.parse().ok()?,
            attempt: word()?.parse().ok()?,
            input: word()?.parse().ok()?,
            output: word()?.parse().ok()?,
            max_tokens: maybe(word()?)?,
            poison: word()? == "1",
            poison_status: maybe(word()?)?.map(u16::try_from).transpose().ok()?,
        };
        let tag = word()?.parse().ok()?;
        let origin = match word() {
            None => Origin::Driver,
            Some(VIA) => Origin::Gateway,
            Some(_) => return None,
        };
        Some(Label { call, tag, origin })
    }

    /// From a prompt; `None`: it has none.
    pub fn find(prompt: &str) -> Option<Label> {
        let (label, _) = prompt.strip_prefix(OPENING)?.split_once(']')?;
        Label::read(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (max_tokens, poison_status, origin) in [(None, None, Origin::Driver), (Some(7), Some(422), Origin::Gateway)] {
            let call = Call { request: 3, attempt: 1, input: 400, output: 180, max_tokens, poison: true, poison_status };
            let label = Label { call, tag: u64::MAX, origin };
            let same = |read: Option<Label>| assert_eq!(format!("{read:?}"), format!("{:?}", Some(label)));
            same(Label::read(&label.write()));
            same(Label::find(&(label.prefix() + "hello")));
        }
    }

    #[test]
    fn what_others_write_is_not() {
        for text in ["", "x", "1 2 3", "1 2 3 4 - 0 99999 5", "-1 0 1 1 - 0 - 1", "1 0 1 1 - 0 - 1 who"] {
            assert!(Label::read(text).is_none(), "{text}");
        }
        for prompt in ["", "hello", "[lbsim-call ", "[lbsim-call 1 2", "[lbsim-call x] y", "say [lbsim-call 3 1 1 1 - 0 - 5]"] {
            assert!(Label::find(prompt).is_none(), "{prompt}");
        }
    }
}
