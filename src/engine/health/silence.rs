//! Hung providers: seen by their silence, long before the time-out.
//!
//! A provider that accepts requests and never answers produces no failure to count until the first time-out, and looks
//! idle to anything that waits for answers. What tells is an attempt that waits for a sign of life (an answer of any kind, or a
//! first token) for twice the usual 99th percentile, while nothing that was sent later has given one either, and nothing at all
//! came for a percentile's time: answers to what was sent before say nothing about the time after, but a provider that is
//! behind with its work and keeps answering is slow, not hung.
//!
//! One such attempt makes the engine prefer other providers at once, and takes nobody out: among healthy providers, with a
//! log-normal time whose 99th percentile is 2.5 or 3 medians, 2 or 7 of 100,000 attempts wait that long (the normal tail
//! beyond z(0.99) + ln 2 / σ, σ = ln 2.5 / 2.33 or ln 3 / 2.33). Out it goes when a second one, sent later, has waited three
//! quarters of that (4 or 9 of 10,000 do: together one or six in 10⁸), or when one alone has for twice as long (3·10⁻⁹ and
//! 7·10⁻⁸) and for twice as long as the slowest answer of late: some requests take far longer than all others. Answers that stream wait
//! for nothing: a provider with nothing but long answers under way is silent and well.

use crate::time::Nanos;

/// Attempts whose send times are remembered.
const MARKS: usize = 16;
/// They are this share of the percentile apart at least, so that together they reach back over one: until then what was sent
/// before a fault is answered.
const SPACING: f64 = 1.0 / MARKS as f64;
/// But not closer than this: hung providers are looked for twice as seldom.
const SPACING_MIN: Nanos = Nanos::from_millis(50);
/// So many percentiles an attempt must have waited for its end to leave the silence as it is: nobody was late before.
const WAITED_MIN: f64 = 1.0;
/// Samples before the percentile means anything.
const SAMPLES_MIN: u32 = 20;
/// No percentile is below this, ns: clocks are coarse.
const P99_MIN: f64 = 1e6;
/// The slowest answer is forgotten by this with each one.
const FADING: f64 = 0.999;
/// Step of the percentile estimate, as a share of its value.
const STEP: f64 = 0.1;

/// Signs of life of one provider.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// Last sign of life.
    heard_at: Nanos,
    /// No further mark before this.
    next_mark: Nanos,
    /// Estimate of the 99th percentile of the time to the first sign of life, ns.
    p99: f64,
    /// The slowest lately, ns.
    slowest: f64,
    samples: u32,
    /// How many of the marks count.
    marked: u8,
    /// Attempts that ended late and without a sign of life; nothing that was sent after them has given one.
    lost: u8,
    /// When the last of them was sent.
    lost_sent: Nanos,
    /// When attempts were sent that wait, oldest first. Nothing that was sent after the first of them was heard of.
    marks: [Nanos; MARKS],
}

impl Silence {
    /// An attempt was sent.
    #[inline]
    pub fn sent(&mut self, now: Nanos) {
        if now >= self.next_mark {
            self.mark(now);
        }
    }

    #[inline(never)]
    fn mark(&mut self, now: Nanos) {
        if let Some(mark) = self.marks.get_mut(usize::from(self.marked)) {
            *mark = now;
            self.marked += 1;
        }
        self.next_mark = now + SPACING_MIN.max(Nanos::from_f64(self.p99 * SPACING));
    }

    /// An attempt that was sent at `sent` gave a sign of life.
    #[inline]
    pub fn heard(&mut self, now: Nanos, sent: Nanos) {
        self.heard_at = self.heard_at.max(now);
        if (self.marked | self.lost) > 0 && (self.marks[0] <= sent || self.lost > 0) {
            // Mostly one is remembered, and this is its end.
            if self.marked == 1 && self.lost == 0 {
                self.marked = 0;
            } else {
                self.forget(sent);
            }
        }
    }

    #[inline(never)]
    fn forget(&mut self, sent: Nanos) {
        let marked = usize::from(self.marked);
        let over = self.marks[..marked].iter().take_while(|mark| **mark <= sent).count();
        self.marks.copy_within(over..marked, 0);
        self.marked = (marked - over) as u8;
        if sent >= self.lost_sent {
            self.lost = 0;
        }
    }

    /// An attempt that was sent at `sent` ended without a sign of life, as its client, or a hedge that was faster, gave it up;
    /// `waiting` others are left. If they are, and it had waited for a while, the silence goes on: else hedges would hide a hang.
    #[cold]
    pub fn lost(&mut self, now: Nanos, sent: Nanos, waiting: u32) {
        let marked = usize::from(self.marked);
        let Some(position) = self.marks[..marked].iter().position(|mark| *mark == sent) else { return };
        let waited = self.times(now.since(sent));
        if waiting == 0 {
            self.marked = 0;
        } else if waited < WAITED_MIN {
            self.marks.copy_within(position + 1..marked, position);
            self.marked -= 1;
        }
        if waited > 2.0 {
            self.lost = self.lost.saturating_add(1);
            self.lost_sent = self.lost_sent.max(sent);
        }
    }

    /// A good answer to what was sent at `sent` began `after` ns. The estimate moves up by 99 parts or down by one (stochastic
    /// approximation of a quantile: Robbins, Monro, Ann. Math. Stat. 22(3), 1951), in proportion to itself.
    #[inline]
    pub fn answered(&mut self, now: Nanos, sent: Nanos, after: f64) {
        self.heard(now, sent);
        let faded = self.slowest * FADING;
        self.slowest = if after > faded { after } else { faded };
        self.samples = self.samples.saturating_add(1);
        if self.samples <= SAMPLES_MIN {
            self.p99 = self.p99.max(after);
        } else if after > self.p99 {
            self.p99 = (self.p99 * (1.0 + 0.99 * STEP)).min(after).max(1.0);
        } else {
            self.p99 *= 1.0 - 0.01 * STEP;
        }
    }

    /// Whether an answer that has not begun after this long is later than usual.
    pub fn is_late(&self, after: Nanos) -> bool {
        self.times(after) > 1.0
    }

    /// A time in percentiles; 0 while nothing is known.
    fn times(&self, time: Nanos) -> f64 {
        if self.samples >= SAMPLES_MIN { time.as_f64() / self.p99.max(P99_MIN) } else { 0.0 }
    }

    /// How long the attempt at `position` of those that are remembered has waited, in percentiles.
    fn waited(&self, now: Nanos, position: usize) -> f64 {
        self.marks[..usize::from(self.marked)].get(position).map_or(0.0, |mark| self.times(now.since(*mark)))
    }

    /// Whether it seems to hang: others are better.
    #[inline]
    pub fn is_suspect(&self, now: Nanos) -> bool {
        self.marked > 0 && self.waited(now, 0) > 2.0 && self.times(now.since(self.heard_at)) > 1.0
    }

    /// Whether one alone has waited longer than any healthy one, also where one in a hundred is far slower than the rest.
    fn is_alone_too_long(&self, now: Nanos) -> bool {
        self.waited(now, 0) > 4.0 && now.since(self.marks[0]).as_f64() > 2.0 * self.slowest
    }

    /// Whether it must be taken for hung.
    pub fn is_hung(&self, now: Nanos) -> bool {
        self.is_suspect(now) && (self.lost > 0 || self.waited(now, 1) > 1.5 || self.is_alone_too_long(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// The estimate against the true 99th percentile of an exponential law, ln 100 × mean, over many samples: within
    /// a third, which is ample for a rule of twice its value.
    #[test]
    fn the_percentile_is_found() {
        let (mut silence, mut sum) = (Silence::default(), 0.0);
        for i in 0..40_000 {
            silence.answered(at(i), at(i), -1e9 * Draws::new(5, Stream::Service, i).open_unit().ln());
            if i >= 20_000 {
                sum += silence.p99;
            }
        }
        let (mean, truth) = (sum / 20_000.0, 1e9 * 100_f64.ln());
        assert!((mean / truth - 1.0).abs() < 0.33, "{mean} against {truth}");
    }

    fn at(millis: u64) -> Nanos {
        Nanos::from_millis(millis)
    }

    /// Always answered after a second: the percentile is that, less a thousandth per answer since.
    fn usual() -> Silence {
        let mut silence = Silence::default();
        for i in 0..100 {
            silence.sent(at(i * 100));
            silence.answered(at(i * 100 + 1_000), at(i * 100), 1e9);
        }
        assert_eq!(silence.marked, 0, "all were heard of");
        silence
    }

    #[test]
    fn one_late_attempt_is_suspect_and_two_are_a_hang() {
        let mut silence = usual();
        silence.sent(at(20_000));
        assert!(!silence.is_suspect(at(21_900)), "within twice the usual");
        assert!(silence.is_suspect(at(22_100)) && !silence.is_hung(at(22_100)), "it may be a slow one");
        assert!(!silence.is_hung(at(23_900)) && silence.is_hung(at(24_100)), "alone for four times the usual");
        silence.sent(at(20_500));
        assert!(!silence.is_hung(at(21_950)) && silence.is_hung(at(22_100)), "two together");
        silence.heard(at(22_150), at(20_500));
        assert!(!silence.is_suspect(at(99_000)), "what was sent later is answered");
    }

    #[test]
    fn what_was_sent_before_says_nothing_and_what_flows_is_no_hang() {
        let mut silence = usual();
        silence.sent(at(20_000));
        silence.sent(at(20_100));
        silence.sent(at(20_200));
        silence.heard(at(21_000), at(20_000));
        assert!(silence.is_hung(at(22_200)), "two wait since 20.1 and 20.2 s");
        silence.heard(at(22_150), at(19_000));
        assert!(!silence.is_suspect(at(22_200)), "an old one was answered just now");
        assert!(silence.is_hung(at(23_200)), "and then nothing");
        assert!(!Silence::default().is_suspect(Nanos::from_secs(99)), "nothing is known yet");
    }

    #[test]
    fn those_that_went_away_wait_no_longer_but_the_late_ones_count() {
        let mut silence = usual();
        silence.sent(at(20_000));
        silence.lost(at(20_001), at(20_000), 5);
        assert!(!silence.is_suspect(at(99_000)), "gone after a millisecond");
        silence.sent(at(30_000));
        silence.lost(at(32_500), at(30_000), 0);
        assert!(!silence.is_suspect(at(32_600)), "nobody waits");
        silence.sent(at(40_000));
        assert!(silence.is_hung(at(42_100)), "the second in a row that waited so long");
        silence.heard(at(42_150), at(40_000));
        silence.sent(at(50_000));
        assert!(!silence.is_hung(at(52_100)), "the row is over");
    }

    /// One in two hundred takes thirty times as long, as a long prompt among short ones does.
    #[test]
    fn rare_slow_requests_are_no_hang() {
        let mut silence = usual();
        let slow = |silence: &mut Silence, from: u64| {
            silence.sent(at(from));
            let is_hung = (0..30).any(|second| silence.is_hung(at(from + 1_000 * second)));
            silence.answered(at(from + 30_000), at(from), 30e9);
            is_hung
        };
        assert!(slow(&mut silence, 100_000), "never seen before");
        for i in 0..5 {
            for j in 0..200 {
                let sent = 200_000 + i * 500_000 + j * 2_000;
                silence.sent(at(sent));
                silence.answered(at(sent + 1_000), at(sent), 1e9);
            }
            assert!(!slow(&mut silence, 200_000 + i * 500_000 + 410_000));
        }
    }

    /// Of ten a second that are answered after a second six are given up before, one in four of them in the last tenth of it.
    #[test]
    fn callers_without_patience_are_no_hang() {
        let (mut silence, mut draws) = (usual(), Draws::new(9, Stream::Service, 0));
        let mut waiting: Vec<(u64, u64, bool)> = Vec::new();
        for now in 20_000..320_000 {
            if now % 100 == 0 {
                silence.sent(at(now));
                let patience = if draws.chance(0.25) { 900 + draws.below(100) } else { draws.below(900) };
                let is_given_up = draws.chance(0.6);
                waiting.push((now, now + if is_given_up { patience } else { 1_000 }, is_given_up));
            }
            for (sent, end, is_given_up) in waiting.extract_if(.., |(_, end, _)| *end == now).collect::<Vec<_>>() {
                match is_given_up {
                    true => silence.lost(at(end), at(sent), waiting.len() as u32),
                    false => silence.answered(at(end), at(sent), 1e9),
                }
            }
            assert!(!silence.is_hung(at(now)), "at {now} ms");
        }
    }

    #[test]
    fn hedges_do_not_hide_a_hang() {
        let mut silence = usual();
        for i in 0..20 {
            silence.sent(at(20_000 + i * 200));
            if i >= 6 {
                silence.lost(at(20_000 + i * 200), at(20_000 + i * 200 - 1_200), 6);
            }
        }
        assert!(silence.is_hung(at(22_100)), "others wait since, and nothing is heard");
    }
}
