//! What others take of a limit that headers tell, between two headers.
//!
//! An attempt that is sent when f are left is refused if others have taken f since the attempt that the latest header is of. They come
//! independently of each other, so in a time in which they take m at the mean they take more than k with the chance that a Poisson
//! variable has to exceed k. The attempt goes when that is at most [`CHANCE`]: most go with far more left, so that far fewer are refused.
//! Of tokens they take sums of so many independent sizes, whose variance grows with the time: what it was shows in the squares of what
//! they took from one header to the next.

use super::log::Log;
use crate::time::Nanos;

/// Time constant of what others take, ns; at least two periods.
const MEMORY: f64 = 30e9;

/// That others have taken what an attempt is sent for, at most.
const CHANCE: f64 = 0.01;

/// Above this mean the normal law does.
const MANY: f64 = 50.0;

/// Which leaves [`CHANCE`] above so many standard deviations.
const DEVIATIONS: f64 = 2.326;

/// Of tokens so many are left: the squares count what came between two headers as one, so that the deviation is on the large side, and
/// all that is left to others makes everybody wait.
const TOKEN_DEVIATIONS: f64 = 1.5;

/// What they usually take is the mean and this part of a standard deviation: more starves us where periods are shorter than answers.
const USUAL_DEVIATIONS: f64 = 0.6;

/// Weight of the latest window in what others usually take of one.
const LATEST: f64 = 0.5;

/// What others took.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// Fading sums of it, of its squares, and of the time they took it in.
    taken: f64,
    squares: f64,
    time: f64,
    /// What they took of the present window, as far as headers showed, and usually take of one.
    seen: f64,
    usual: f64,
    /// What they took of a sliding window.
    log: Log,
}

impl Others {
    /// They took so much in this time, of a limit that is whole again after `period`.
    pub fn took(&mut self, amount: f64, time: Nanos, period: Nanos) {
        let time = time.as_f64();
        let kept = (-time / MEMORY.max(2.0 * period.as_f64())).exp();
        self.taken = self.taken * kept + amount;
        self.squares = self.squares * kept + amount * amount;
        self.time = self.time * kept + time;
    }

    /// They took so much of the present window.
    pub fn took_of_window(&mut self, amount: f64) {
        self.seen += amount;
    }

    /// The next window begins.
    pub fn turn(&mut self) {
        self.usual += LATEST * (self.seen - self.usual);
        self.seen = 0.0;
    }

    /// What they usually take of a window, less what headers showed of the present one.
    pub fn rest_of_window(&self) -> f64 {
        self.usual - self.seen
    }

    /// They took so much of a sliding window, as an attempt sent at `sent` was told.
    pub fn took_of_sliding(&mut self, now: Nanos, sent: Nanos, amount: f64, period: Nanos) {
        self.log.insert_within(sent, amount, period + period);
        self.log.forget(now, period + period);
    }

    /// What they take of a sliding window at the mean, less what is known of it.
    pub fn rest_of_sliding(&self, now: Nanos, period: Nanos) -> f64 {
        self.mean(period) - self.log.between(now.since(period), now)
    }

    /// What to leave to them for this time, tokens or requests.
    pub fn take(&self, time: Nanos, tokens: bool) -> f64 {
        let mean = self.mean(time);
        match tokens {
            true => mean + TOKEN_DEVIATIONS * self.rated(self.squares, time).sqrt(),
            false if mean > MANY => mean + DEVIATIONS * mean.sqrt(),
            false => exceeded_seldom(mean),
        }
    }

    /// What they take in this time, and a little more.
    pub fn usually_take(&self, time: Nanos) -> f64 {
        self.mean(time) + USUAL_DEVIATIONS * self.rated(self.squares, time).sqrt()
    }

    /// What they take per ns.
    pub fn rate(&self) -> f64 {
        self.mean(Nanos::new(1))
    }

    /// What they take in this time at the mean.
    fn mean(&self, time: Nanos) -> f64 {
        self.rated(self.taken, time)
    }

    /// What a sum comes to in this time.
    fn rated(&self, sum: f64, time: Nanos) -> f64 {
        if sum > 0.0 { sum / self.time.max(1e9) * time.as_f64() } else { 0.0 }
    }
}

/// What a Poisson variable of this mean, at most [`MANY`], exceeds with a chance of [`CHANCE`] at most.
fn exceeded_seldom(mean: f64) -> f64 {
    let (mut count, mut term) = (0.0, (-mean).exp());
    let mut sum = term;
    while sum < 1.0 - CHANCE {
        count += 1.0;
        term *= mean / count;
        sum += term;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos::from_secs(1);

    /// By a table of the Poisson law: 0.9900 of mean 0.01 are none, 0.9982 of mean 0.5 at most three, 0.9963 of mean 1 at most four, 0.9945 of
    /// mean 5 at most eleven; and the normal law goes on where the sum ends.
    #[test]
    fn so_many_are_exceeded_seldom() {
        let requests = |mean: f64| Others { taken: mean, time: 1e9, ..Others::default() }.take(SECOND, false);
        assert_eq!([0.0, 0.01, 0.5, 1.0, 5.0].map(requests), [0.0, 0.0, 3.0, 4.0, 11.0]);
        let (sum, normal) = (exceeded_seldom(MANY), requests(MANY + 1e-9));
        assert!((sum - normal).abs() < 1.5, "{sum} and {normal}");
    }

    /// A hundred of ten tokens, one each second: the mean of 4 s is 40, the variance 4 · 10².
    #[test]
    fn tokens_deviate_as_their_sizes_do() {
        let mut others = Others::default();
        (0..100).for_each(|_| others.took(10.0, SECOND, SECOND));
        assert!((others.take(Nanos::from_secs(4), true) - (40.0 + TOKEN_DEVIATIONS * 20.0)).abs() < 1e-9);
    }
}
