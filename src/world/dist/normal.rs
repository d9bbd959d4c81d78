//! Normal deviates, and the bridge from [`Draws`] to the traits of `rand`.

use std::convert::Infallible;

use rand::TryRng;
use rand_distr::{Distribution, StandardNormal};

use crate::rng::Draws;

/// A normal deviate of mean 0 and variance 1.
#[inline]
pub(super) fn standard_normal(draws: &mut Draws) -> f64 {
    StandardNormal.sample(draws)
}

/// Lets the samplers of `rand_distr` draw. It stands here because the engine, which owns [`Draws`], builds without `rand`.
impl TryRng for Draws {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_u64() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
