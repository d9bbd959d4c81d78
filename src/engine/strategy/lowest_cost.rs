//! Lowest cost: the lowest price for this request's tokens; of equal prices the fewest in flight per weight.
//!
//! The output size is not known in advance: the price is that of the typical output so far, cut at the request's
//! `max_tokens`. A provider without a price comes after all that have one: unknown is not free.

use super::super::bits::Candidates;
use super::super::pool::{Member, Place};
use super::{View, key};

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    let (input, output) = tokens(view);
    let score = |place: &Place, member: &Member| (key(price(member, input, output)), View::load(place));
    view.lowest(candidates, score).expect("candidates are not empty")
}

/// Expected price of this request; infinite without a price list.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    let (input, output) = tokens(view);
    price(view.member(position), input, output) / 1e6
}

/// Tokens in and out that the request will probably take.
#[inline]
fn tokens(view: &View<'_>) -> (f64, f64) {
    let typical = view.typical.tokens();
    let output = view.request.max_tokens.map_or(typical, |max| typical.min(f64::from(max)));
    (view.request.input_tokens.into(), output)
}

/// In millionths.
#[inline]
fn price(member: &Member, input: f64, output: f64) -> f64 {
    member.cost.map_or(f64::INFINITY, |cost| input * cost.input + output * cost.output)
}
