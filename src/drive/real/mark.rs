//! Tells the requests of one run from those of others.
//!
//! A gateway may go on with a request when its client has long gone, into the next run over the same mock providers, and that
//! one numbers its requests from 0 too. So the tag of a request that goes through a gateway begins with a mark that was drawn
//! for its run.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Of a tag, those that number the request.
const REQUEST_BITS: u32 = 40;
const REQUEST_MAX: u64 = (1 << REQUEST_BITS) - 1;

/// Of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunMark(u64);

impl RunMark {
    /// Another one each time, in this process and in others: one in 16 million is the same.
    pub fn draw() -> RunMark {
        // The standard library has no other source of chance; where the bits come from is no part of any result.
        let chance = RandomState::new().build_hasher().finish() >> REQUEST_BITS;
        // All ones would make a tag of `TAG_NONE`.
        RunMark(chance.min((1 << (64 - REQUEST_BITS)) - 2))
    }

    /// The tag of a request; of each of 2⁴⁰ another one.
    pub fn tag(self, request: u64) -> u64 {
        self.0 << REQUEST_BITS | (request & REQUEST_MAX)
    }

    /// The request of a tag; `None`: not of this run.
    pub fn request(self, tag: u64) -> Option<u64> {
        (tag >> REQUEST_BITS == self.0).then_some(tag & REQUEST_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::real::TAG_NONE;

    #[test]
    fn a_run_knows_its_own_requests_only() {
        let (ours, theirs) = (RunMark(5), RunMark(6));
        for request in [0, 1, 12_345, REQUEST_MAX] {
            assert_eq!((ours.request(ours.tag(request)), theirs.request(ours.tag(request))), (Some(request), None));
        }
    }

    #[test]
    fn no_mark_makes_the_tag_of_strangers() {
        for mark in [RunMark((1 << 24) - 2), RunMark::draw()] {
            assert_eq!(mark.request(TAG_NONE), None);
            assert_ne!(mark.tag(REQUEST_MAX), TAG_NONE);
        }
    }
}
