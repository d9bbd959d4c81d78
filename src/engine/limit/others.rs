//! What others take of a limit that headers tell, between two headers.
//!
//! An attempt that is sent when f are left is refused if others have taken f since the attempt that the latest header is of. They come
//! independently of each other, so in a time in which they take m at the mean they take more than k with the chance that a Poisson
//! variable has to exceed k. The attempt goes when that is at most [`CHANCE`]: most go with far more left, so that far fewer are refused.

/// Time constant of what others take, ns.
const MEMORY: f64 = 30e9;

/// That others have taken what an attempt is sent for, at most.
const CHANCE: f64 = 0.02;

/// Above this mean the normal law does.
const MANY: f64 = 50.0;

/// Which leaves [`CHANCE`] above so many standard deviations.
const DEVIATIONS: f64 = 2.054;

/// Fading sums of what others took and of the time they took it in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    taken: f64,
    time: f64,
}

impl Others {
    /// They took so much in this time, ns.
    pub fn took(&mut self, amount: f64, time: f64) {
        let kept = (-time / MEMORY).exp();
        (self.taken, self.time) = (self.taken * kept + amount, self.time * kept + time);
    }

    /// Requests to leave to them for this time, ns, at most `most`.
    pub fn requests(&self, time: f64, most: f64) -> f64 {
        let mean = self.mean(time);
        if mean > MANY { (mean + DEVIATIONS * mean.sqrt()).min(most) } else { exceeded_seldom(mean, most) }
    }

    /// Tokens to leave to them for this time, ns, at most `most`: the mean and one standard deviation of as many independent ones. How many
    /// a request of theirs takes nobody knows.
    pub fn tokens(&self, time: f64, most: f64) -> f64 {
        let mean = self.mean(time);
        (mean + mean.sqrt()).min(most)
    }

    fn mean(&self, time: f64) -> f64 {
        if self.taken > 0.0 { self.taken / self.time.max(1e9) * time } else { 0.0 }
    }
}

/// What a Poisson variable exceeds with a chance of [`CHANCE`] at most, if that is below `most`.
fn exceeded_seldom(mean: f64, most: f64) -> f64 {
    let (mut count, mut term) = (0.0, (-mean).exp());
    let mut sum = term;
    while sum < 1.0 - CHANCE && count < most {
        count += 1.0;
        term *= mean / count;
        sum += term;
    }
    count.min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a table of the Poisson law: 0.9802 of mean 0.02 are none, 0.9856 of mean 0.5 at most two, 0.9810 of mean 1 at most three, 0.9863 of
    /// mean 5 at most ten; and the normal law goes on where the sum ends.
    #[test]
    fn so_many_are_exceeded_seldom() {
        let requests = |mean: f64| Others { taken: mean, time: 1e9 }.requests(1e9, 1e6);
        assert_eq!([0.0, 0.02, 0.5, 1.0, 5.0].map(requests), [0.0, 0.0, 2.0, 3.0, 10.0]);
        let (sum, normal) = (exceeded_seldom(MANY, 1e6), requests(MANY + 1e-9));
        assert!((sum - normal).abs() < 1.5, "{sum} and {normal}");
        assert_eq!(Others { taken: 5.0, time: 1e9 }.requests(1e9, 3.0), 3.0);
    }
}
