//! The recorder: an observer that keeps running figures.

use super::config::{RecorderConfig, Slice};
use super::http::Exchanges;
use super::latency::Samples;
use super::observe::{Answer, AttemptEnd, AttemptKind, Observer, RequestEnd, RequestInfo};
use super::occupancy::Occupancy;
use super::outage::{Outages, WindowOutages};
use super::quota::{Admitted, Minutes};
use super::spread::Spread;
use super::tally::{Imbalance, Tally};
use super::timeline::{Series, Timeline};
use crate::time::Nanos;

/// Keeps the figures of one run while it happens.
///
/// It is the hot path of a simulation: a request makes about six calls, all of which only index arrays by class and
/// provider. Slices cost nothing when there are none. Memory depends on providers, classes and slices only.
#[derive(Clone, Debug)]
pub struct Recorder {
    pub(super) config: RecorderConfig,
    pub(super) whole: Tally,
    pub(super) slices: Vec<(Slice, Tally)>,
    pub(super) occupancy: Vec<Occupancy>,
    pub(super) spread: Spread,
    /// Leases that were never settled, by provider.
    pub(super) left_over: Vec<u64>,
    pub(super) outages: Vec<(Outages, Box<[WindowOutages]>)>,
    /// `None` without limits.
    pub(super) minutes: Vec<Option<Minutes>>,
    /// For each provider the one whose limits count for it.
    pub(super) quota: Vec<usize>,
    pub(super) timeline: Timeline,
    pub(super) decisions: Samples,
    /// Refusals that another provider would have spared.
    pub(super) avoidable: u64,
    /// In real time.
    pub(super) exchanges: Exchanges,
    /// [`Nanos::MAX`] until it is known.
    pub(super) arrivals_end: Nanos,
    /// The last one of the measured time.
    pub(super) last_instant: Nanos,
    last_arrival: Nanos,
    pub(super) finished: Nanos,
}

impl Recorder {
    /// For one run.
    pub fn new(config: RecorderConfig) -> Recorder {
        let (classes, providers) = (config.classes.len(), config.providers.len());
        let spans = || config.slices.iter().map(|slice| slice.span(config.warmup, Nanos::MAX));
        let occupancy = (0..providers).map(|_| Occupancy::new((config.warmup, Nanos::MAX), spans())).collect();
        let spread = Spread::new(config.providers.iter().map(|provider| !provider.drained), (config.warmup, Nanos::MAX), spans());
        let last = if config.ends == Nanos::MAX { Nanos::MAX } else { config.ends.since(Nanos::new(1)) };
        let windows = || config.slices.iter().map(|_| WindowOutages::default()).collect();
        Recorder {
            whole: Tally::new(classes, providers, last),
            slices: config.slices.iter().map(|slice| (*slice, Tally::new(classes, providers, slice.last_instant(last)))).collect(),
            occupancy,
            spread,
            left_over: vec![0; providers],
            outages: (0..providers).map(|_| (Outages::default(), windows())).collect(),
            minutes: (0..providers).map(|i| (!config.limits_of(i).is_unlimited()).then(Minutes::default)).collect(),
            quota: (0..providers).map(|i| config.quota_of(i).0).collect(),
            timeline: Timeline::new(providers),
            decisions: Samples::default(),
            avoidable: 0,
            exchanges: Exchanges::default(),
            arrivals_end: Nanos::MAX,
            last_instant: last,
            last_arrival: Nanos::ZERO,
            finished: Nanos::ZERO,
            config,
        }
    }

    /// Whether everything that began has ended, as it must when the run is over.
    ///
    /// # Errors
    /// [`Imbalance`] names the first sum that does not match.
    pub fn check(&self) -> Result<(), Imbalance> {
        self.slices.iter().map(|(_, tally)| tally).chain([&self.whole]).try_for_each(Tally::check)
    }

    /// Applies `count` to every tally that `request` belongs to.
    #[inline]
    fn count(&mut self, request: &RequestInfo, count: impl Fn(&mut Tally)) {
        count(&mut self.whole);
        for (slice, tally) in &mut self.slices {
            if slice.contains(request.intended, request.class) {
                count(tally);
            }
        }
    }

    /// Whether a successful request meets every objective.
    #[inline]
    fn is_good(&self, now: Nanos, request: &RequestInfo, end: RequestEnd) -> bool {
        let RequestEnd::Succeeded { first_token } = end else { return false };
        let slo = &self.config.slo;
        slo.ttft.is_none_or(|most| first_token.since(request.intended) <= most)
            && slo.latency.is_none_or(|most| now.since(request.intended) <= most)
    }
}

impl Observer for Recorder {
    #[inline]
    fn offered(&mut self, request: &RequestInfo) {
        self.last_arrival = request.intended;
        self.spread.arrived(request.intended);
        if request.measured {
            self.timeline.offered(request.intended);
            self.count(request, |tally| tally.offered(request));
        }
    }

    fn lagged(&mut self, request: &RequestInfo, lag: Nanos) {
        if request.measured {
            self.exchanges.lagged(lag, self.config.late_after);
        }
    }

    fn answered(&mut self, request: &RequestInfo, answer: Answer) {
        if request.measured {
            self.exchanges.answered(answer);
        }
    }

    fn overhead(&mut self, request: &RequestInfo, added: Nanos) {
        if request.measured {
            self.exchanges.overhead.record(added);
        }
    }

    #[inline]
    fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind) {
        if !request.measured {
            return;
        }
        self.timeline.sent(now, provider, request.input, request.output);
        if let Some(minutes) = &mut self.minutes[provider] {
            minutes.sent(now, tokens(request));
        }
        self.count(request, |tally| tally.sent(now, request, provider, kind));
    }

    #[inline]
    fn started(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos) {
        if request.measured {
            self.count(request, |tally| tally.providers[provider].queue.record(now.since(sent)));
        }
    }

    fn returned(&mut self, request: &RequestInfo, provider: usize, sent: Nanos, unused: Admitted) {
        if !request.measured {
            return;
        }
        self.timeline.returned(sent, provider, unused);
        if let Some(minutes) = &mut self.minutes[provider] {
            minutes.returned(sent, unused);
        }
        self.count(request, |tally| tally.returned(sent, provider, unused));
    }

    fn refused_avoidably(&mut self, request: &RequestInfo) {
        self.avoidable += u64::from(request.measured);
    }

    #[inline]
    fn attempt_ended(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd) {
        if !request.measured {
            return;
        }
        match end {
            AttemptEnd::Succeeded | AttemptEnd::Abandoned => {}
            AttemptEnd::RateLimited => self.timeline.count(now, provider, Series::RateLimited),
            AttemptEnd::Failed { .. } => {
                self.timeline.count(now, provider, Series::Errors);
                self.outages[provider].0.error(now);
            }
            AttemptEnd::TimedOut => self.outages[provider].0.error(now),
        }
        self.count(request, |tally| tally.attempt_ended(now, sent, request, provider, end));
    }

    fn came_back(&mut self, request: &RequestInfo, error: Nanos) {
        if request.measured {
            self.count(request, |tally| tally.retry_after.record(error));
        }
    }

    #[inline]
    fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd) {
        if request.measured {
            let good = self.is_good(now, request, end);
            self.count(request, |tally| tally.ended(now, request, end, good));
        }
    }

    #[inline]
    fn occupancy(&mut self, now: Nanos, provider: usize, in_flight: u32, busy: u32) {
        let occupancy = &mut self.occupancy[provider];
        if self.config.closed && self.arrivals_end == Nanos::MAX {
            occupancy.mark(self.last_arrival);
        }
        occupancy.set(now, in_flight, busy, self.arrivals_end);
        self.spread.set(now, provider, in_flight);
    }

    fn enabled(&mut self, now: Nanos, provider: usize, on: bool) {
        self.spread.enabled(now, provider, on);
    }

    fn left_over(&mut self, provider: usize, leases: u32) {
        self.left_over[provider] += u64::from(leases);
    }

    fn ejected(&mut self, now: Nanos, provider: usize) {
        if now < self.config.warmup {
            return;
        }
        let (whole, windows) = &mut self.outages[provider];
        whole.ejected(now);
        for (window, slice) in windows.iter_mut().zip(&self.config.slices) {
            window.ejected(now, slice.window.unwrap_or((Nanos::ZERO, Nanos::MAX)));
        }
    }

    fn readmitted(&mut self, now: Nanos, provider: usize) {
        if now < self.config.warmup {
            return;
        }
        let (whole, windows) = &mut self.outages[provider];
        whole.readmitted(now);
        for (window, slice) in windows.iter_mut().zip(&self.config.slices) {
            window.readmitted(now, slice.window.unwrap_or((Nanos::ZERO, Nanos::MAX)));
        }
    }

    #[inline]
    fn decision_timed(&mut self, nanos: u64) {
        self.decisions.record(Nanos::new(nanos.saturating_sub(self.config.timer_ns)));
    }

    fn arrivals_ended(&mut self, now: Nanos) {
        self.arrivals_end = now;
        self.last_instant = self.last_instant.min(now);
        for tally in self.slices.iter_mut().map(|(_, tally)| tally).chain([&mut self.whole]) {
            tally.last_instant = tally.last_instant.min(now);
        }
        if self.config.closed {
            self.arrivals_end = self.last_arrival;
            for occupancy in &mut self.occupancy {
                occupancy.mark(self.last_arrival);
                occupancy.rewind();
            }
        }
    }

    fn finished(&mut self, now: Nanos) {
        // Without an end of arrivals the run was cut off in the middle of them.
        self.arrivals_end = self.arrivals_end.min(now);
        self.last_instant = self.last_instant.min(now);
        self.finished = now;
        for occupancy in &mut self.occupancy {
            occupancy.advance(now, self.arrivals_end);
        }
    }
}

#[inline]
fn tokens(request: &RequestInfo) -> u64 {
    u64::from(request.input) + u64::from(request.output)
}
