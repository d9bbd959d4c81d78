//! Lowest cost: the lowest price for this request's tokens; of equal prices the fewest in flight per weight.
//!
//! The output size is not known in advance: the price is that of the typical output so far, cut at the request's
//! `max_tokens`. A provider without a price comes after all that have one: unknown is not free.

use super::super::bits::Candidates;
use super::super::config::Cost;
use super::super::pool::{Member, Place};
use super::{View, key};

/// The members of a tier by price list: few lists are many providers', and a price is found out once for all of them.
pub(crate) struct LowestCost {
    /// None where there are more members than bits.
    lists: Box<[PriceList]>,
}

struct PriceList {
    cost: Option<Cost>,
    /// Whose it is, as bits.
    members: u64,
}

impl LowestCost {
    pub fn new(members: &[Member]) -> LowestCost {
        let mut lists: Vec<PriceList> = Vec::new();
        for (position, member) in members.iter().enumerate().filter(|_| members.len() <= 64) {
            match lists.iter_mut().find(|list| list.cost == member.cost) {
                Some(list) => list.members |= 1 << position,
                None => lists.push(PriceList { cost: member.cost, members: 1 << position }),
            }
        }
        LowestCost { lists: lists.into() }
    }

    #[inline(never)]
    pub fn choose(&self, view: &View<'_>, candidates: &impl Candidates) -> usize {
        let load = |place: &Place, _: &Member| View::load(place);
        match &*self.lists {
            [] => {
                let (input, output) = tokens(view);
                view.lowest(candidates, |place, member| (key(price(member.cost, input, output)), View::load(place)))
            }
            [_] => view.lowest(candidates, load),
            _ => view.lowest_of(self.cheapest(view, candidates.word(0)), load),
        }
        .expect("candidates are not empty")
    }

    /// Those of `candidates` that have the lowest price.
    #[inline]
    fn cheapest(&self, view: &View<'_>, candidates: u64) -> u64 {
        let (input, output) = tokens(view);
        let (mut lowest, mut cheapest) = (u64::MAX, 0);
        for list in &self.lists {
            let members = list.members & candidates;
            // Above every price where nobody has it.
            let price = if members == 0 { u64::MAX } else { key(price(list.cost, input, output)) };
            cheapest = if price < lowest { 0 } else { cheapest };
            cheapest |= if price <= lowest { members } else { 0 };
            lowest = lowest.min(price);
        }
        cheapest
    }
}

/// Expected price of this request; infinite without a price list.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    let (input, output) = tokens(view);
    price(view.member(position).cost, input, output) / 1e6
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
fn price(cost: Option<Cost>, input: f64, output: f64) -> f64 {
    cost.map_or(f64::INFINITY, |cost| input * cost.input + output * cost.output)
}
