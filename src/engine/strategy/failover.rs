//! Failover: the first eligible provider in file order, within the best tier.
//!
//! Choose it for a primary with spares. All traffic moves at once when the primary goes, so size the spares for it.

use super::super::bits::Candidates;

#[inline]
pub(super) fn choose(candidates: &impl Candidates) -> usize {
    candidates.first_from(0).expect("candidates are not empty")
}
