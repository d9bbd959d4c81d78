//! The header by which the driver and the mock providers know that they speak of the same request.
//!
//! With it a request meets the same draws under both clocks. A gateway may strip it; then the mocks number what they get.

use crate::world::provider::Call;

/// Its name.
pub const LABEL: &str = "x-lbsim-call";

/// `None` values are written as a dash.
pub fn write(call: &Call, tag: u64) -> String {
    let dash = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let Call { request, attempt, input, output, max_tokens, poison, poison_status } = call;
    format!("{request} {attempt} {input} {output} {} {} {} {tag}", dash(*max_tokens), u8::from(*poison), dash(poison_status.map(u32::from)))
}

/// The call and the driver's name for it; `None`: it is not one of ours.
pub fn read(text: &str) -> Option<(Call, u64)> {
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
    Some((call, word()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (max_tokens, poison_status) in [(None, None), (Some(7), Some(422))] {
            let call = Call { request: 3, attempt: 1, input: 400, output: 180, max_tokens, poison: true, poison_status };
            let (read, tag) = read(&write(&call, u64::MAX)).expect("our own");
            assert_eq!((format!("{read:?}"), tag), (format!("{call:?}"), u64::MAX));
        }
    }

    #[test]
    fn what_others_write_is_not() {
        for text in ["", "x", "1 2 3", "1 2 3 4 - 0 99999 5", "-1 0 1 1 - 0 - 1"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
