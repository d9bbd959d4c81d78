//! The most that a limiter can admit in given stretches of time, whatever is asked of it.

use crate::engine::limit::{Algorithm, Dimension, Limits};
use crate::time::Nanos;

const MINUTE: Nanos = Nanos::from_secs(60);
const DAY: Nanos = Nanos::from_secs(86_400);

/// The limited dimensions (all but concurrency and ramps), each with what it states and per how long.
pub fn rates(limits: &Limits) -> impl Iterator<Item = (Dimension, f64, Nanos)> {
    [
        (Dimension::Requests, limits.rpm, MINUTE),
        (Dimension::RequestsPerDay, limits.rpd, DAY),
        (Dimension::Tokens, limits.tpm, MINUTE),
        (Dimension::InputTokens, limits.itpm, MINUTE),
        (Dimension::OutputTokens, limits.otpm, MINUTE),
        (Dimension::TokensPerDay, limits.tpd, DAY),
    ]
    .into_iter()
    .filter_map(|(dimension, stated, span)| Some((dimension, stated?, span)))
}

/// What `limits` can admit of a dimension during `spans`, which are in order and do not overlap; infinite where it is not
/// limited.
pub fn admissible(limits: &Limits, dimension: Dimension, spans: &[(Nanos, Nanos)]) -> f64 {
    let Some((_, stated, per)) = rates(limits).find(|(known, ..)| *known == dimension) else { return f64::INFINITY };
    let slice = slice(limits, dimension, per);
    let amount = stated * slice.as_f64() / per.as_f64();
    match limits.algorithm {
        Algorithm::TokenBucket => bucket(stated / per.as_f64(), depth(limits, dimension, amount), spans),
        Algorithm::FixedWindow => whole(amount) * windows(slice, spans) as f64,
        Algorithm::SlidingWindow => {
            let each = spans.iter().map(|(from, until)| 1 + until.since(*from).as_nanos() / slice.as_nanos().max(1));
            whole(amount) * each.sum::<u64>().min(1 + stretch(spans).as_nanos() / slice.as_nanos().max(1)) as f64
        }
    }
}

/// The same in one span, whose last instant is `last`, as far as its start says how much is left: at the start of a run a quota
/// is fresh, and so is that of a fixed window where one begins. Elsewhere it depends on what came before; there it is the
/// [`flow`] over the span.
pub fn allowed(limits: &Limits, (dimension, stated, per): (Dimension, f64, Nanos), (from, until): (Nanos, Nanos), last: Nanos) -> f64 {
    let windowed = limits.algorithm != Algorithm::TokenBucket;
    let begins = || limits.algorithm == Algorithm::FixedWindow && from.as_nanos().is_multiple_of(slice(limits, dimension, per).as_nanos());
    if from == Nanos::ZERO || begins() {
        return admissible(limits, dimension, &[(from, if windowed { last } else { until })]);
    }
    flow((dimension, stated, per), until.since(from))
}

/// The stated rate over a time, and all of a day's limit, as that may be used in a minute.
pub fn flow((_, stated, per): (Dimension, f64, Nanos), time: Nanos) -> f64 {
    let least = if per == DAY { 1.0 } else { 0.0 };
    stated * (time.as_f64() / per.as_f64()).max(least)
}

/// The enforcement slice: `period` is of the per-minute limits only.
fn slice(limits: &Limits, dimension: Dimension, per: Nanos) -> Nanos {
    match dimension {
        Dimension::Requests => limits.request_period.or(limits.period).unwrap_or(per),
        Dimension::RequestsPerDay | Dimension::TokensPerDay => per,
        _ => limits.period.unwrap_or(per),
    }
}

fn depth(limits: &Limits, dimension: Dimension, amount: f64) -> f64 {
    match dimension {
        Dimension::Requests => limits.burst.unwrap_or(amount),
        // `burst` is of the requests per minute, where there are any.
        Dimension::RequestsPerDay if limits.rpm.is_none() => limits.burst.unwrap_or(amount),
        _ => amount,
    }
    // A bucket that holds less than one request still admits one at a time.
    .max(1.0)
}

/// Windows count whole requests and tokens, at least one.
fn whole(amount: f64) -> f64 {
    (amount + 1e-9).floor().max(1.0)
}

/// Full at the start, and never fuller than its depth after a pause.
fn bucket(rate: f64, depth: f64, spans: &[(Nanos, Nanos)]) -> f64 {
    let mut most = 0.0;
    let mut end: Option<Nanos> = None;
    for (from, until) in spans {
        most += end.map_or(depth, |end| depth.min(rate * from.since(end).as_f64()));
        most += rate * until.since(*from).as_f64();
        end = Some(*until);
    }
    most
}

/// Windows [k·slice, (k+1)·slice) that a span touches, each counted once; an admission at the very end of a span counts.
fn windows(slice: Nanos, spans: &[(Nanos, Nanos)]) -> u64 {
    let slice = slice.as_nanos().max(1);
    let mut next = 0;
    let mut count = 0;
    for (from, until) in spans {
        let (first, last) = ((from.as_nanos() / slice).max(next), until.as_nanos() / slice);
        count += (last + 1).saturating_sub(first);
        next = next.max(last + 1);
    }
    count
}

/// From the first to the last instant.
fn stretch(spans: &[(Nanos, Nanos)]) -> Nanos {
    match (spans.first(), spans.last()) {
        (Some((from, _)), Some((_, until))) => until.since(*from),
        _ => Nanos::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(from: u64, until: u64) -> (Nanos, Nanos) {
        (Nanos::from_secs(from), Nanos::from_secs(until))
    }

    /// Half a minute and a minute and a half of 60 a minute, from the start and from 10 s on, the end excluded.
    #[test]
    fn what_is_left_at_the_start_is_known_at_that_of_the_run() {
        let rpm = |algorithm| Limits { rpm: Some(60.0), rpd: Some(1_000.0), algorithm, ..Limits::default() };
        let in_span = |algorithm, dimension, (from, until): (Nanos, Nanos)| {
            let limits = rpm(algorithm);
            let rate = rates(&limits).find(|(known, ..)| *known == dimension).expect("it is limited");
            allowed(&limits, rate, (from, until), until.since(Nanos::new(1)))
        };
        for (algorithm, half, more) in
            [(Algorithm::TokenBucket, 90.0, 150.0), (Algorithm::FixedWindow, 60.0, 120.0), (Algorithm::SlidingWindow, 60.0, 120.0)]
        {
            assert_eq!(in_span(algorithm, Dimension::Requests, s(0, 30)), half, "{algorithm:?}");
            assert_eq!(in_span(algorithm, Dimension::Requests, s(0, 90)), more, "{algorithm:?}");
            assert_eq!(in_span(algorithm, Dimension::Requests, s(10, 40)), 30.0, "{algorithm:?}");
            assert_eq!(in_span(algorithm, Dimension::RequestsPerDay, s(10, 40)), 1_000.0, "{algorithm:?}");
        }
        assert_eq!(in_span(Algorithm::FixedWindow, Dimension::Requests, s(0, 120)), 120.0, "a third window begins at the end");
        assert_eq!(in_span(Algorithm::FixedWindow, Dimension::Requests, s(60, 150)), 120.0, "a window begins with it");
    }

    /// Each algorithm by hand over 90 s of 60 a minute: a bucket its depth and 90 s of inflow, fixed minutes two of them, a
    /// sliding minute ⌊90/60⌋ + 1; and with an hour's pause the bucket is full again but not fuller.
    #[test]
    fn by_hand() {
        let rpm = Limits { rpm: Some(60.0), ..Limits::default() };
        let most = |limits: &Limits, spans: &[(Nanos, Nanos)]| admissible(limits, Dimension::Requests, spans);
        let with = |algorithm| Limits { algorithm, ..rpm.clone() };
        assert_eq!(most(&rpm, &[s(0, 90)]), 150.0);
        assert_eq!(most(&Limits { burst: Some(1.0), ..rpm.clone() }, &[s(0, 90)]), 91.0);
        assert_eq!(most(&rpm, &[s(0, 90), s(100, 130)]), 150.0 + 10.0 + 30.0);
        assert_eq!(most(&rpm, &[s(0, 90), s(3_690, 3_700)]), 150.0 + 60.0 + 10.0);
        assert_eq!(most(&with(Algorithm::FixedWindow), &[s(0, 90)]), 120.0);
        assert_eq!(most(&with(Algorithm::FixedWindow), &[s(59, 61)]), 120.0);
        assert_eq!(most(&with(Algorithm::FixedWindow), &[s(0, 10), s(20, 30), s(70, 80)]), 120.0);
        assert_eq!(most(&with(Algorithm::SlidingWindow), &[s(0, 90)]), 120.0);
        assert_eq!(most(&with(Algorithm::SlidingWindow), &[s(0, 59)]), 60.0);
        let sliced = Limits { period: Some(Nanos::from_secs(10)), ..with(Algorithm::FixedWindow) };
        assert_eq!(most(&sliced, &[s(0, 89)]), 90.0);
        assert_eq!(most(&Limits { rpm: Some(65.0), ..sliced }, &[s(0, 89)]), 90.0, "ten and five sixths are ten");
        assert_eq!(most(&Limits::default(), &[s(0, 1)]), f64::INFINITY);
        let daily = Limits { rpd: Some(86_400.0), burst: Some(1.0), ..rpm.clone() };
        assert_eq!(admissible(&daily, Dimension::RequestsPerDay, &[s(0, 100)]), 86_500.0, "the burst is that of the minute");
        assert_eq!(admissible(&Limits { rpm: None, ..daily }, Dimension::RequestsPerDay, &[s(0, 100)]), 101.0);
        assert_eq!(admissible(&Limits { rpd: Some(86_400.0), ..rpm }, Dimension::RequestsPerDay, &[s(0, 100)]), 86_500.0);
    }
}
