//! How long answers are: a percentile of the output tokens of the latest ones.
//!
//! Answers are counted in buckets whose bounds grow by a sixteenth, small ones exactly (the linear-logarithmic buckets of
//! Tene's HdrHistogram; Masson, Rim, Lee, "DDSketch", PVLDB 12(12), 2019, bound the relative error of such a sketch), and
//! the bucket of an answer that has left the window is counted down again. So the estimate is the nearest-rank
//! percentile of exactly the last 1,024 answers, rounded up by less than 1/16; of what came before nothing is left. Where the
//! answers are alike, the share of later ones that are longer is 1 − p give or take √(p (1 − p) / 1,024): about one point
//! at p90, a third of one at p99.
//!
//! The bucket that holds the percentile is followed from answer to answer, mostly by no step. Stochastic approximation (Robbins,
//! Monro, 1951) would need less memory, but its error depends on the law, and after a change it follows a high percentile down
//! slowly: at p99 one step down is 1/99 of a step up. P² (Jain, Chlamtac, CACM 28(10), 1985) never forgets.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crossbeam_utils::CachePadded;

use super::config::OutputEstimate;

/// Answers that count.
const RECENT: usize = 1_024;

/// Answers before there is an estimate.
const ENOUGH: usize = 50;

const BUCKETS: usize = 256;

/// Buckets that double a size.
const PER_OCTAVE: u32 = 16;

/// Stands for no estimate.
const UNKNOWN: u32 = u32::MAX;

/// The sizes of the answers of one model.
#[derive(Debug)]
pub(crate) struct Outputs {
    estimate: CachePadded<AtomicU32>,
    window: CachePadded<Mutex<Window>>,
}

impl Outputs {
    /// Of which this percentile is wanted, 1 to 99.
    fn new(percentile: u8) -> Outputs {
        Outputs { estimate: AtomicU32::new(UNKNOWN).into(), window: Mutex::new(Window::new(percentile)).into() }
    }

    /// What the next generation of a pool uses: of the answers so far, if there are any, the percentile that is wanted then.
    pub fn next(estimate: OutputEstimate, known: Option<&Arc<Outputs>>) -> Option<Arc<Outputs>> {
        let OutputEstimate::Percentile(percentile) = estimate else { return None };
        let Some(known) = known else { return Some(Arc::new(Outputs::new(percentile))) };
        known.aim(percentile);
        Some(Arc::clone(known))
    }

    /// Another percentile of the same answers.
    fn aim(&self, percentile: u8) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.percentile = percentile.into();
        window.seek();
        self.tell(&window);
    }

    /// An answer of so many tokens, at most 524,287 of which are seen. While another thread is at it, it is not counted: nobody
    /// waits.
    pub fn learn(&self, tokens: u32) {
        let mut window = match self.window.try_lock() {
            Ok(window) => window,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        window.insert(bucket(tokens));
        self.tell(&window);
    }

    /// The percentile, rounded up to the bound of its bucket; `None` before the 50th answer.
    #[inline]
    pub fn estimate(&self) -> Option<u32> {
        let estimate = self.estimate.load(Relaxed);
        (estimate != UNKNOWN).then_some(estimate)
    }

    /// Readers on other cores keep their copy as long as nothing changes.
    fn tell(&self, window: &Window) {
        let estimate = if window.seen < ENOUGH { UNKNOWN } else { largest(window.at) };
        if estimate != self.estimate.load(Relaxed) {
            self.estimate.store(estimate, Relaxed);
        }
    }
}

/// The latest answers.
#[derive(Debug)]
struct Window {
    /// Their buckets, in a ring.
    recent: [u8; RECENT],
    next: usize,
    seen: usize,
    counts: [u16; BUCKETS],
    percentile: usize,
    /// The bucket of the percentile.
    at: usize,
    /// Answers in buckets before it.
    below: usize,
}

impl Window {
    fn new(percentile: u8) -> Window {
        let percentile = percentile.into();
        Window { recent: [0; RECENT], next: 0, seen: 0, counts: [0; BUCKETS], percentile, at: 0, below: 0 }
    }

    fn insert(&mut self, bucket: u8) {
        let oldest = std::mem::replace(&mut self.recent[self.next], bucket);
        self.next = (self.next + 1) % RECENT;
        if self.seen == RECENT {
            self.counts[usize::from(oldest)] -= 1;
            self.below -= usize::from(usize::from(oldest) < self.at);
        } else {
            self.seen += 1;
        }
        self.counts[usize::from(bucket)] += 1;
        self.below += usize::from(usize::from(bucket) < self.at);
        self.seek();
    }

    /// Moves to the bucket that holds the answer of the nearest rank.
    fn seek(&mut self) {
        let rank = (self.percentile * self.seen).div_ceil(100);
        while self.below >= rank && self.at > 0 {
            self.at -= 1;
            self.below -= usize::from(self.counts[self.at]);
        }
        while self.below + usize::from(self.counts[self.at]) < rank {
            self.below += usize::from(self.counts[self.at]);
            self.at += 1;
        }
    }
}

/// The bucket of a size: sixteen to each doubling, the last one for all that is larger.
fn bucket(tokens: u32) -> u8 {
    let halvings = (tokens | PER_OCTAVE).ilog2() - PER_OCTAVE.ilog2();
    (halvings * PER_OCTAVE + (tokens >> halvings)).min(BUCKETS as u32 - 1) as u8
}

/// The largest size in a bucket.
fn largest(bucket: usize) -> u32 {
    let halvings = (bucket as u32 / PER_OCTAVE).saturating_sub(1);
    ((bucket as u32 - halvings * PER_OCTAVE + 1) << halvings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// The nearest-rank percentile of the last answers, by sorting.
    fn exact(answers: &[u32], percentile: u8) -> u32 {
        let mut last = answers[answers.len().saturating_sub(RECENT)..].to_vec();
        last.sort_unstable();
        last[(usize::from(percentile) * last.len()).div_ceil(100) - 1]
    }

    #[test]
    fn a_bucket_is_a_sixteenth_wide() {
        assert_eq!([0, 1, 15, 16, 31, 32, 33, 34, 1_000, 524_287].map(bucket), [0, 1, 15, 16, 31, 32, 32, 33, 111, 255]);
        for tokens in (0..5_000).chain([65_535, 65_536, 131_071, 400_000, 524_287]) {
            let told = largest(bucket(tokens).into());
            assert!(told >= tokens && (told - tokens) * 16 <= tokens, "{tokens}: {told}");
            assert!(told == 524_287 || bucket(told + 1) == bucket(tokens) + 1, "{tokens}: the bound is the last of its bucket");
        }
        assert_eq!(largest(bucket(u32::MAX).into()), 524_287, "more than that nobody answers");
    }

    /// Sizes of every law, at any time: the percentile of the last 1,024 answers, rounded up by less than a sixteenth; nothing
    /// before the 50th.
    #[test]
    fn it_is_the_percentile_of_the_last_answers() {
        type Law = fn(&mut Draws) -> f64;
        let laws: [Law; 6] = [
            |_| 180.0,
            |draw| draw.unit() * 4_096.0,
            |draw| -draw.open_unit().ln() * 300.0,
            |draw| 150.0 * draw.open_unit().powf(-0.7),
            |draw| if draw.chance(0.9) { 8.0 } else { 100_000.0 },
            |draw| f64::from(draw.below(3) as u32),
        ];
        for (law, draw_one) in laws.into_iter().enumerate() {
            for percentile in [50, 90, 95, 99] {
                let (outputs, mut draw, mut answers) =
                    (Outputs::new(percentile), Draws::new(7, Stream::OutputTokens, law as u64), Vec::new());
                for _ in 0..3_000 {
                    let tokens = draw_one(&mut draw) as u32;
                    answers.push(tokens);
                    outputs.learn(tokens);
                    let told = outputs.estimate();
                    let expected = (answers.len() >= ENOUGH).then(|| largest(bucket(exact(&answers, percentile)).into()));
                    assert_eq!(told, expected, "law {law}, p{percentile}, answer {}", answers.len());
                }
            }
        }
    }

    /// Against the true percentile of the law: as many later answers are longer as is stated, within five standard deviations
    /// of what 1,024 answers and 20,000 later ones leave to chance, and less what is rounded up.
    #[test]
    fn so_many_are_longer_as_is_stated() {
        for percentile in [50, 90, 95, 99] {
            let (mut draw, outputs) = (Draws::new(11, Stream::OutputTokens, percentile), Outputs::new(percentile as u8));
            let mut exponential = || (-draw.open_unit().ln() * 300.0) as u32;
            (0..RECENT).for_each(|_| outputs.learn(exponential()));
            let estimate = outputs.estimate().expect("answers were seen");
            let longer = (0..20_000).filter(|_| exponential() > estimate).count() as f64 / 20_000.0;
            let stated = 1.0 - percentile as f64 / 100.0;
            let chance = 5.0 * (stated * (1.0 - stated) * (1.0 / RECENT as f64 + 1.0 / 20_000.0)).sqrt();
            // P(X > x · 17/16) = P(X > x)^(17/16) of an exponential law.
            let least = stated.powf(17.0 / 16.0);
            assert!(longer <= stated + chance && longer >= least - chance, "p{percentile}: {longer} are longer than {estimate}");
        }
    }

    /// From answers of 200 to such of 2,000 and back: at p90 up with the 103rd longer one of 1,024, and down when no more
    /// than 102 are left, after 922.
    #[test]
    fn a_change_is_followed_to_the_answer() {
        let outputs = Outputs::new(90);
        let after = |tokens: u32, times: usize| {
            (0..times).for_each(|_| outputs.learn(tokens));
            outputs.estimate()
        };
        let (short, long) = (Some(largest(bucket(200).into())), Some(largest(bucket(2_000).into())));
        assert_eq!(after(200, RECENT), short);
        assert_eq!((after(2_000, 102), after(2_000, 1)), (short, long));
        assert_eq!(after(2_000, RECENT), long);
        assert_eq!((after(200, 921), after(200, 1)), (long, short));
    }

    #[test]
    fn another_percentile_of_the_same_answers() {
        let outputs = Outputs::new(50);
        (1..=1_000).for_each(|tokens| outputs.learn(tokens));
        for percentile in [99, 50, 90] {
            outputs.aim(percentile);
            assert_eq!(outputs.estimate(), Some(largest(bucket(u32::from(percentile) * 10).into())));
        }
    }

    /// Threads that meet lose answers, never the count of those in the window.
    #[test]
    fn threads_leave_a_sound_window() {
        let outputs = Outputs::new(90);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let outputs = &outputs;
                scope.spawn(move || (0..5_000).for_each(|i| outputs.learn(thread * 1_000 + i % 1_000)));
            }
        });
        let window = outputs.window.lock().expect("nobody panicked");
        let below: usize = window.counts[..window.at].iter().map(|count| usize::from(*count)).sum();
        assert_eq!((window.seen, window.below), (RECENT, below));
        assert_eq!(window.counts.iter().map(|count| usize::from(*count)).sum::<usize>(), RECENT);
    }
}
