//! Pauses after a refusal, by its kind.
//!
//! A hint is a floor: a longer one extends the pause, a shorter one never shortens it. It is also capped, because
//! providers have asked for a day after a burst of a second; what is over the cap ends in one careful attempt instead.
//!
//! - *Rate*, without a hint: from a second on, or three attempts' time where the pace has long been right, doubling where the first
//!   attempt after the pause is refused again. A hint was too short, and is doubled in the same way. Where others went before the
//!   refused one, the pause was right: a bucket that refills in 20 ms refuses many times before the first answer of a second is there, and a pause that
//!   doubled until an answer of 20 s came would be half a minute long by then.
//!   After repeated refusals one attempt goes alone until it would have been refused as well.
//! - *Capacity*: others use it up, and it may be free again at once. A single refusal pauses nobody; from the second on
//!   without any answer in between the pause doubles as above.
//! - *Ramp*: no pause but the one that is asked for; see [`Growth`](crate::engine::limit) for what it does teach.
//! - *Exhausted*: until the time that is told, and else from a minute on, doubling up to an hour: a few questions a day, each
//!   alone.

use crate::engine::limit::Paced;
use crate::engine::refusal::RefusalKind;
use crate::engine::refusal_time::RefusalTime;
use crate::engine::request::Outcome;
use crate::rng;
use crate::time::Nanos;

/// First pause without a hint.
const FIRST: Nanos = Nanos::from_secs(1);
/// At a pace that has long been kept the first pause is so many times the time between two attempts, but no longer, and at least this.
const APART: f64 = 3.0;
const FIRST_MIN: Nanos = Nanos::from_millis(20);
/// The same where a quota is exhausted, and the longest.
const FIRST_EXHAUSTED: Nanos = Nanos::from_secs(60);
const LAST_EXHAUSTED: Nanos = Nanos::from_secs(3_600);

/// A refusal, as a cooldown needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub kind: RefusalKind,
    /// The pause that it asks for, capped.
    pub hint: Option<Nanos>,
    /// The time between two attempts at the pace that was kept until then, where that is known well.
    pub apart: Option<Nanos>,
}

impl Refused {
    /// `None`: it was no refusal, or one that says nothing of when to come back and is judged as a failure.
    pub fn of(outcome: &Outcome, paced: Paced) -> Option<Refused> {
        let (kind, apart) = match (outcome.refusal()?, paced) {
            // A rate that no pace of ours explains: others use the capacity up.
            (RefusalKind::Rate, Paced::GivenUp) => (RefusalKind::Capacity, None),
            (kind, Paced::Apart(apart)) => (kind, Some(apart)),
            (kind, Paced::GivenUp | Paced::Unknown) => (kind, None),
        };
        Some(Refused { kind, hint: outcome.retry_after, apart })
    }
}

/// Cooldown of one provider or quota group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cooldown {
    until: Nanos,
    /// Refusals since the last success, not counting those of attempts that were sent before the pause began.
    refusals: u32,
    /// When the running pause began.
    since: Nanos,
    /// When the first attempt since then was sent.
    first: Option<Nanos>,
    /// The attempt that spoke for the latest hint, and the refusals before that.
    voucher: Option<(Nanos, u32)>,
    /// Refusals for want of capacity with no answer at all in between.
    short: u32,
    refusal_time: RefusalTime,
    /// [`Refused::apart`] of the latest that counted.
    apart: Option<Nanos>,
}

impl Cooldown {
    /// An attempt that was sent at `sent` was refused at `now`. `cap` bounds pauses for which nobody asked.
    pub fn refused(&mut self, now: Nanos, sent: Nanos, refused: Refused, cap: Nanos, salt: u64) {
        if refused.kind == RefusalKind::Ramp {
            self.until = self.until.max(now + refused.hint.unwrap_or_default());
            return;
        }
        self.refusal_time.refused(now, sent);
        // Somebody was let in since the last one: answers take longer than refusals, and must not be waited for to know that.
        let first = self.first.filter(|first| *first < sent && refused.kind == RefusalKind::Rate);
        let count = if refused.kind == RefusalKind::Capacity { &mut self.short } else { &mut self.refusals };
        // A burst that is refused as one is one refusal.
        if *count == 0 || sent >= self.since {
            self.voucher = first.map(|first| (first, *count));
            *count = if first.is_some() { 1 } else { (*count + 1).min(32) };
            (self.since, self.first, self.apart) = (now, None, refused.apart);
        } else if let Some((_, before)) = self.voucher.filter(|(first, _)| *first == sent && refused.kind == RefusalKind::Rate) {
            // It was refused as well, and the answers came in another order.
            self.voucher = None;
            *count = (before + 1).min(32);
        }
        let unit = (rng::mix(salt ^ u64::from(*count) ^ now.as_nanos()) >> 11) as f64 / (1_u64 << 53) as f64;
        self.until = self.until.max(now + self.pause(refused, unit, cap));
    }

    fn pause(&self, Refused { kind, hint, .. }: Refused, unit: f64, cap: Nanos) -> Nanos {
        let first = self.apart.map_or(FIRST, |apart| Nanos::from_f64(apart.as_f64() * APART).clamp(FIRST_MIN, FIRST));
        let growing = |first: Nanos, refusals: u32| first.as_f64() * 2_f64.powi(refusals.saturating_sub(1) as i32);
        match (kind, hint) {
            // Half to full: gateways that were refused together come back apart.
            (RefusalKind::Rate | RefusalKind::Ramp, None) => Nanos::from_f64(growing(first, self.refusals) * (0.5 + 0.5 * unit)).min(cap),
            (RefusalKind::Capacity, None) if self.short <= 1 => Nanos::ZERO,
            (RefusalKind::Capacity, None) => Nanos::from_f64(growing(FIRST, self.short - 1) * (0.5 + 0.5 * unit)).min(cap),
            (RefusalKind::Capacity, Some(hint)) => hint.min(cap),
            (RefusalKind::Exhausted, Some(hint)) => hint,
            (RefusalKind::Exhausted, None) => {
                Nanos::from_f64(growing(FIRST_EXHAUSTED, self.refusals).min(LAST_EXHAUSTED.as_f64()) * (1.0 + 0.25 * unit))
            }
            // A repeated refusal after a hint was kept says that the hint was too short.
            (RefusalKind::Rate | RefusalKind::Ramp, Some(hint)) if self.refusals <= 1 => hint.min(cap),
            (RefusalKind::Rate | RefusalKind::Ramp, Some(hint)) => hint.max(Nanos::from_f64(growing(FIRST, self.refusals) / 2.0)).min(cap),
        }
    }

    /// An attempt goes, while an admission needs a closer look.
    pub fn admitted(&mut self, now: Nanos) {
        self.first = self.first.or(Some(now));
    }

    /// An attempt that was sent at `sent` succeeded: refusals start over, unless it was sent before the last of them and
    /// says nothing about the time after it. Capacity that served anybody is not short. A pause that is running stays.
    #[inline]
    pub fn succeeded(&mut self, sent: Nanos) {
        self.ended(sent);
        self.short = 0;
        if sent >= self.since {
            self.refusals = 0;
        }
    }

    /// An attempt that was sent at `sent` ended otherwise, and not refused: another one may find out whether it would be.
    pub fn ended(&mut self, sent: Nanos) {
        if self.first == Some(sent) {
            self.first = None;
        }
    }

    /// Not before this: the pause is over, and the first attempt after repeated refusals would have been refused as well. Until
    /// then that stays the only one. Who was sent before it says nothing, and its answer may take half a minute.
    pub fn until(&self) -> Nanos {
        let alone = self.first.filter(|_| self.is_wary()).map_or(Nanos::ZERO, |first| self.refusal_time.over(first));
        self.until.max(alone)
    }

    /// Whether an admission needs a closer look.
    #[inline]
    pub fn is_noteworthy(&self, now: Nanos) -> bool {
        self.refusals > 0 || self.short > 0 || self.until > now
    }

    /// Whether refusals have repeated without a success in between.
    fn is_wary(&self) -> bool {
        self.refusals >= 2 || self.short >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Nanos = Nanos::from_secs(300);

    fn rate(hint: Option<Nanos>) -> Refused {
        Refused { kind: RefusalKind::Rate, hint, apart: None }
    }

    fn at(seconds: u64) -> Nanos {
        Nanos::from_secs(seconds)
    }

    #[test]
    fn a_longer_hint_extends_and_a_shorter_one_never_shortens() {
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), rate(Some(at(12))), CAP, 1);
        assert_eq!(cooldown.until(), at(22));
        cooldown.refused(at(11), at(9), rate(Some(at(1))), CAP, 1);
        assert_eq!(cooldown.until(), at(22), "shorter");
        cooldown.refused(at(12), at(9), rate(Some(at(30))), CAP, 1);
        assert_eq!(cooldown.until(), at(42), "longer");
    }

    #[test]
    fn a_hint_is_capped_and_a_zero_hint_is_none_at_first() {
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), rate(Some(at(86_400))), CAP, 1);
        assert_eq!(cooldown.until(), at(310));
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), rate(Some(Nanos::ZERO)), CAP, 1);
        assert_eq!(cooldown.until(), at(10));
    }

    /// A hint that let one in was right, however long the answer takes; one after which the first is refused was too short.
    #[test]
    fn a_hint_that_let_somebody_in_is_not_doubled() {
        let ms = Nanos::from_millis;
        let mut cooldown = Cooldown::default();
        for i in 0..20 {
            let now = ms(100 * i);
            cooldown.admitted(now);
            cooldown.admitted(now + ms(10));
            cooldown.refused(now + ms(30), now + ms(10), rate(Some(ms(20))), CAP, 1);
            assert_eq!((cooldown.until(), cooldown.is_wary()), (now + ms(50), false));
        }
        let mut pauses = Vec::new();
        for i in 0..4 {
            let now = at(100 + 10 * i);
            cooldown.admitted(now);
            cooldown.refused(now, now, rate(Some(ms(20))), CAP, 1);
            pauses.push(cooldown.until().since(now));
        }
        assert!(pauses.is_sorted() && pauses[3] > at(1) && cooldown.is_wary(), "{pauses:?}");
    }

    /// Who went before the refused one vouches for the hint only as long as it is not refused itself, be it later.
    #[test]
    fn refusals_in_another_order_still_double() {
        let ms = Nanos::from_millis;
        let (mut cooldown, mut pauses) = (Cooldown::default(), Vec::new());
        for i in 0..4 {
            let now = at(100 + 10 * i);
            cooldown.admitted(now);
            cooldown.admitted(now + ms(1));
            cooldown.refused(now + ms(30), now + ms(1), rate(Some(ms(20))), CAP, 1);
            cooldown.refused(now + ms(31), now, rate(Some(ms(20))), CAP, 1);
            pauses.push(cooldown.until().since(now + ms(31)));
        }
        assert!(pauses.is_sorted() && pauses[3] > at(1) && cooldown.is_wary(), "{pauses:?}");
    }

    /// Answers take 20 s, refusals 50 ms: after two refusals one attempt goes alone for 100 ms, not for 20 s, nor until those have
    /// ended that were sent before; and who is let in then ends the doubling.
    #[test]
    fn nobody_waits_for_an_answer_to_know_that_it_was_let_in() {
        let ms = Nanos::from_millis;
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(10) - ms(50), rate(None), CAP, 1);
        cooldown.admitted(at(11));
        cooldown.refused(at(11) + ms(50), at(11), rate(None), CAP, 1);
        assert!(cooldown.is_wary() && cooldown.until() <= at(13) + ms(50));
        cooldown.admitted(at(14));
        assert_eq!(cooldown.until(), at(14) + ms(100), "alone");
        let mut left = cooldown;
        left.ended(at(14));
        assert!(left.until() < at(14), "its client left: the next one may go");
        cooldown.admitted(at(14) + ms(100));
        cooldown.refused(at(14) + ms(150), at(14) + ms(100), rate(None), CAP, 1);
        assert!(!cooldown.is_wary() && cooldown.until() <= at(15) + ms(150), "a second at most again");
    }

    #[test]
    fn without_a_hint_pauses_double_until_a_success() {
        let (mut cooldown, mut now, mut asked) = (Cooldown::default(), at(0), 0);
        while now < at(3_600) {
            cooldown.refused(now, now, rate(None), CAP, 1);
            assert!(cooldown.until() > now);
            now = cooldown.until();
            asked += 1;
        }
        // 1 + 2 + … + 256 s (halved at worst) takes nine; then one in 150 to 300 s for the rest of the hour.
        assert!((18..=35).contains(&asked), "{asked} attempts in an hour");
        cooldown.succeeded(at(9));
        cooldown.refused(now, now, rate(None), CAP, 1);
        assert!(cooldown.until().since(now) > at(100), "an answer from before the pause proves nothing");
        now = cooldown.until();
        cooldown.succeeded(now);
        cooldown.refused(now, now, rate(None), CAP, 1);
        assert!(cooldown.until().since(now) <= at(1), "starts over");
    }

    /// At a hundred a second the first pause is 30 ms at most; if it did not help, the next one is as long as ever, for what was known has
    /// proved wrong. At one a second nothing changes.
    #[test]
    fn who_knows_the_pace_pauses_for_three_attempts() {
        let paced = |apart| Refused { apart: Some(apart), ..rate(None) };
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), paced(Nanos::from_millis(10)), CAP, 1);
        let first = cooldown.until().since(at(10));
        assert!((Nanos::from_millis(15)..=Nanos::from_millis(30)).contains(&first), "{first}");
        cooldown.refused(at(10), at(9), rate(None), CAP, 1);
        assert_eq!(cooldown.until().since(at(10)), first, "of the same burst");
        cooldown.refused(at(11), at(11), rate(None), CAP, 1);
        assert!(cooldown.until() >= at(12), "refused again");
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), paced(at(1)), CAP, 1);
        assert!(cooldown.until() <= at(11));
    }

    #[test]
    fn a_burst_that_is_refused_together_counts_once() {
        let mut cooldown = Cooldown::default();
        (0..60).for_each(|_| cooldown.refused(at(10), at(9), rate(None), CAP, 1));
        assert!(cooldown.until() <= at(11), "not 2^60 seconds: {}", cooldown.until());
        assert!(!cooldown.is_wary());
    }

    /// One refusal for want of shared capacity pauses nobody; a row of them does, and a hint is kept.
    #[test]
    fn shared_capacity_is_asked_again_at_once_and_then_ever_later() {
        let capacity = |hint| Refused { kind: RefusalKind::Capacity, hint, apart: None };
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(10), capacity(None), CAP, 1);
        assert!(cooldown.until() <= at(10));
        cooldown.refused(at(11), at(11), capacity(None), CAP, 1);
        assert!(cooldown.until() > at(11) && cooldown.until() <= at(12), "{}", cooldown.until());
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(10), capacity(Some(at(7))), CAP, 1);
        assert_eq!(cooldown.until(), at(17));
    }

    /// An exhausted quota is left alone until the time that was told, a day if need be; without one it is asked at most once a
    /// minute, and in the long run once an hour.
    #[test]
    fn an_exhausted_quota_is_asked_ever_more_rarely() {
        let exhausted = |hint| Refused { kind: RefusalKind::Exhausted, hint, apart: None };
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(10), exhausted(Some(at(86_400))), CAP, 1);
        assert_eq!(cooldown.until(), at(86_410));
        let (mut cooldown, mut now, mut asked) = (Cooldown::default(), at(0), 0);
        while now < at(86_400) {
            cooldown.refused(now, now, exhausted(None), CAP, 1);
            assert!(cooldown.until().since(now) >= at(60));
            now = cooldown.until();
            asked += 1;
        }
        // 1 + 2 + … + 32 min takes six; then one in 60 to 75 min.
        assert!((24..=29).contains(&asked), "{asked} questions in a day");
    }

    /// Too sharp a growth is no reason to stay away, unless the provider says for how long.
    #[test]
    fn a_ramp_pauses_nobody() {
        let ramp = |hint| Refused { kind: RefusalKind::Ramp, hint, apart: None };
        let mut cooldown = Cooldown::default();
        (0..9).for_each(|i| cooldown.refused(at(10 + i), at(10 + i), ramp(None), CAP, 1));
        assert!(cooldown.until() <= at(18) && !cooldown.is_wary());
        cooldown.refused(at(20), at(20), ramp(Some(at(2))), CAP, 1);
        assert_eq!(cooldown.until(), at(22));
    }
}
