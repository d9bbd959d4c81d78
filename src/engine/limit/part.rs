//! Part of a quota, for one of several replicas that divide it.

use super::Limits;

impl Limits {
    /// The part `share` (above 0, at most 1) of every limit; the slices stay. A place in flight and a burst of one request are the least:
    /// where those are small, the parts may add up to more than the whole. Parts whose sum is 1 keep the whole otherwise.
    ///
    /// Replicas that divide a quota by what each of them needs put new parts in force with
    /// [`Engine::reconfigure`](crate::engine::Engine::reconfigure), which keeps what was used.
    #[must_use]
    pub fn part(&self, share: f64) -> Limits {
        let of = |limit: Option<f64>| limit.map(|limit| limit * share);
        Limits {
            rpm: of(self.rpm),
            rpd: of(self.rpd),
            tpm: of(self.tpm),
            itpm: of(self.itpm),
            otpm: of(self.otpm),
            tpd: of(self.tpd),
            ramp: of(self.ramp),
            max_concurrency: self.max_concurrency.map(|places| ((f64::from(places) * share) as u32).max(1)),
            burst: of(self.burst).map(|burst| burst.max(1.0)),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter of everything, by hand; and nothing is rounded to none.
    #[test]
    fn a_quarter_by_hand() {
        let whole = Limits { rpm: Some(120.0), tpd: Some(1e6), max_concurrency: Some(9), burst: Some(2.0), ..Limits::default() };
        let want = Limits { rpm: Some(30.0), tpd: Some(250_000.0), max_concurrency: Some(2), burst: Some(1.0), ..Limits::default() };
        assert_eq!(whole.part(0.25), want);
        assert_eq!(whole.part(0.01).max_concurrency, Some(1));
    }
}
