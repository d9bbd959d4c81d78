//! Lowest cost: the lowest price for this request's tokens; of equal prices the fewest in flight per weight.
//!
//! The output size is not known in advance: the price is that of the typical output so far, cut at the request's
//! `max_tokens`. A provider without a price comes after all that have one: unknown is not free.

use super::super::bits::Candidates;
use super::super::config::Cost;
use super::super::pool::{Member, Place};
use super::super::wheel::Wheel;
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
    /// For draws by weight from these alone: from all of the tier most draws would miss them.
    wheel: Wheel,
}

impl LowestCost {
    pub fn new(members: &[Member]) -> LowestCost {
        let mut costs: Vec<Option<Cost>> = Vec::new();
        for member in members.iter().filter(|_| members.len() <= 64) {
            if !costs.contains(&member.cost) {
                costs.push(member.cost);
            }
        }
        LowestCost { lists: costs.into_iter().map(|cost| PriceList::new(cost, members)).collect() }
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
            _ => {
                let (cheapest, list) = self.cheapest(view, candidates.word(0));
                let wheel = if cheapest & !list.members == 0 { &list.wheel } else { &view.tier.wheels[0] };
                view.lowest_of(cheapest, wheel, load)
            }
        }
        .expect("candidates are not empty")
    }

    /// Those of `candidates` that have the lowest price, and one of their price lists, which mostly is that of all.
    #[inline]
    fn cheapest(&self, view: &View<'_>, candidates: u64) -> (u64, &PriceList) {
        let (input, output) = tokens(view);
        let (mut lowest, mut cheapest, mut one) = (u64::MAX, 0, &self.lists[0]);
        for list in &self.lists {
            let members = list.members & candidates;
            // Above every price where nobody has it.
            let price = if members == 0 { u64::MAX } else { key(price(list.cost, input, output)) };
            cheapest = if price < lowest { 0 } else { cheapest };
            cheapest |= if price <= lowest { members } else { 0 };
            one = if price < lowest { list } else { one };
            lowest = lowest.min(price);
        }
        (cheapest, one)
    }
}

impl PriceList {
    /// Of those of `members` that have these prices.
    fn new(cost: Option<Cost>, members: &[Member]) -> PriceList {
        let has_it = |member: &Member| member.cost == cost;
        let bits = members.iter().enumerate().map(|(position, member)| u64::from(has_it(member)) << position);
        let wheel = Wheel::new(members.iter().map(|member| if has_it(member) { member.units } else { 0 }));
        PriceList { cost, members: bits.sum(), wheel }
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
