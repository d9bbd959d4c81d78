//! Power of two choices: of `choices` distinct random providers the one with the fewest attempts in flight per weight.
//!
//! Nearly as good as `least-connections` at constant cost, and without its herds when several gateways share providers.
//! In the limit of many providers at load ρ, a queue of at least k has probability ρ^((d^k−1)/(d−1)) for d choices:
//! Vvedenskaya, Dobrushin, Karpelevich (Probl. Inf. Transm. 32(1), 1996); Mitzenmacher, "The Power of Two Choices in
//! Randomized Load Balancing" (IEEE TPDS 12(10), 2001). `choices = 1` is `random`.

use super::super::bits::Candidates;
use super::View;

#[inline]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates, choices: usize) -> usize {
    view.best_of(candidates, choices, |place, _| View::load(place)).expect("candidates are not empty")
}
