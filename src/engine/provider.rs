//! One provider as a plain state machine: admit, settle, and the verdict at `now`. No sharing, no clock.

use std::sync::Arc;

pub(crate) use super::attempt::{Admitted, Ask, Ended, Mode};
use super::config::{Config, ProbeRules, ProviderConfig};
use super::expected::Expected;
use super::give_back::give_back;
use super::health::{EjectedShare, Ends, Fitness, HealthChange, Kind};
use super::latency::{Speed, nanos};
use super::limit::{Belief, Cost, Ledger, Limits, RateLimitHeaders, Refuses, Reservation};
use super::load::{Load, Scale};
use super::request::{AttemptResult, Lease, Why};
pub(crate) use super::shut::{Shut, Until};
use crate::time::Nanos;

/// The locked state of one provider.
#[derive(Debug)]
pub(crate) struct Core {
    drained: bool,
    /// No longer in the pool.
    retired: bool,
    quota: Belief,
    load: Load,
    speed: Speed,
    health: Fitness,
    /// Cache of [`Speed::typical`]; 0 while unknown.
    typical: f64,
    expected: Expected,
    /// Cache: not a candidate before this.
    shut_until: Nanos,
    /// Cache of [`Ledger::headroom`], where the strategy weighs it.
    headroom: f32,
    scale: Scale,
}

impl Core {
    /// `inverse_weight` is that of its [`Place`](super::pool::Place).
    pub fn new(
        config: &Config,
        provider: &ProviderConfig,
        inverse_weight: f64,
        ledger: Ledger,
        share: Arc<EjectedShare>,
        salt: u64,
    ) -> Core {
        let (scale, speed) = (Scale::new(config, provider, inverse_weight), Speed::default());
        let mut core = Core {
            drained: provider.drained,
            retired: false,
            quota: Belief::new(ledger),
            load: Load::default(),
            speed,
            health: Fitness::new(config.outlier_detection, config.quota, share, salt),
            typical: 0.0,
            expected: Expected::of(&scale, &speed, 0.0, Nanos::ZERO, 0.0),
            shut_until: Nanos::ZERO,
            headroom: 1.0,
            scale,
        };
        core.quota.weigh_headroom(core.scale.weighs_headroom());
        core.refresh_shut(Nanos::ZERO);
        core
    }

    /// Takes over a changed configuration; what was learned stays, and what was used of `limits`, where those have changed.
    pub fn reconfigure(&mut self, now: Nanos, config: &Config, provider: &ProviderConfig, inverse_weight: f64, limits: Option<&Limits>) {
        (self.drained, self.scale) = (provider.drained, Scale::new(config, provider, inverse_weight));
        self.quota.weigh_headroom(self.scale.weighs_headroom());
        self.expected = Expected::of(&self.scale, &self.speed, self.typical, now, self.typical);
        if let Some(limits) = limits {
            self.quota.replace(now, limits);
        }
        self.health.reconfigure(now, config.outlier_detection, config.quota);
        self.refresh_shut(now);
    }

    /// It has left the pool: nobody will ask whether it is open.
    pub fn retire(&mut self) {
        self.retired = true;
        self.shut_until = Nanos::ZERO;
        self.health.leave();
    }

    /// Reserves everything an attempt of this cost needs, or nothing; [`Core::shut`] then tells why. With [`Core::headroom`].
    #[inline(always)]
    pub fn admit(&mut self, now: Nanos, ask: Ask) -> Option<(Admitted, f32)> {
        if !self.takes(now, ask) {
            return None;
        }
        let (reservation, left) = self.quota.reserve_weighing(now, ask.cost)?;
        let (trial, headroom) = self.begin(now, left);
        Some((Admitted { reservation, trial }, headroom))
    }

    /// Somebody was turned away since the last admission.
    #[cold]
    pub fn want(&mut self) {
        self.quota.want();
    }

    /// [`Core::admit`] where a group keeps the quota, and has reserved it; whether it is the trial.
    pub fn admit_grouped(&mut self, now: Nanos, ask: Ask) -> Option<bool> {
        self.takes(now, ask).then(|| self.begin(now, 1.0).0)
    }

    /// Whether it takes attempts at all, whatever they cost.
    #[inline(always)]
    pub fn takes(&self, now: Nanos, ask: Ask) -> bool {
        // One comparison while nothing is wrong.
        !(self.drained | self.retired) && (!self.health.is_noteworthy() || self.health.admits(now, ask))
    }

    /// Counts an attempt that leaves so much of the tightest limit; whether it is the trial, and the headroom.
    #[inline(always)]
    fn begin(&mut self, now: Nanos, left: f32) -> (bool, f32) {
        let trial = self.health.admitted(now);
        self.load.sent(now);
        (trial, self.refresh_used(now, true, |_| left))
    }

    /// What time alone changes: a provider that has been silent for too long is taken out, and a quota that has refilled, or an
    /// estimate that has faded, shows as such, although nobody was sent there lately. `pool` is its typical latency, ns.
    pub fn sweep(&mut self, now: Nanos, pool: f64) -> Option<HealthChange> {
        let change = self.health.look_for_hang(now);
        self.expect(now, pool);
        if self.scale.weighs_headroom() || !self.is_plainly_open() {
            self.refresh_shut(now);
        }
        change
    }

    /// Why an attempt of this cost would not be admitted; `None` if it would. `refuses`: [`Belief::would_refuse`], or [`Belief::peek`]
    /// for who only looks.
    pub(super) fn shut(&mut self, now: Nanos, cost: Cost, mode: Mode, refuses: Refuses) -> Option<Shut> {
        if self.drained || self.retired {
            return Some(Shut::new(Why::Drained, Until::Never));
        }
        let limit = refuses(&mut self.quota, now, cost).map(|refusal| Shut::new(Why::Limit(refusal.dimension), refusal.free_at.into()));
        // Both must be over: the later one counts.
        [self.health.shut_in(now, mode), limit].into_iter().flatten().max_by_key(|shut| shut.until)
    }

    /// When its health lets an attempt through, as far as is known; `None`: nobody knows, or never. One that was taken out is not
    /// counted on, unless all are. A place in flight is taken to be free after a turn.
    pub fn opens_at(&self, now: Nanos, mode: Mode) -> Option<Nanos> {
        if self.drained || self.retired || (mode != Mode::LeastBad && self.health.is_out(now)) {
            return None;
        }
        match self.health.shut_in(now, mode).map(|shut| shut.until) {
            None => Some(now),
            Some(Until::Time(until)) => Some(until),
            Some(Until::Settle) => Some(now + self.turn()?),
            Some(Until::Never) => None,
        }
    }

    /// Mean time between two ends of attempts that are in flight; `None` while unknown.
    pub fn turn(&self) -> Option<Nanos> {
        (self.typical > 0.0).then(|| Nanos::from_f64(self.typical / f64::from(self.load.in_flight.max(1))))
    }

    /// Others used so much of its quota.
    pub fn note_foreign_use(&mut self, now: Nanos, requests: u64, tokens: Cost) {
        self.quota.note_foreign_use(now, requests, tokens);
        self.refresh_shut(now);
    }

    /// A copy of what is believed of its quota.
    pub(super) fn quota(&self) -> Belief {
        self.quota.clone()
    }

    /// An active probe has ended.
    pub fn probed(&mut self, now: Nanos, rules: ProbeRules, good: bool) -> Option<HealthChange> {
        let change = self.health.probed(now, rules, good);
        self.refresh_shut(now);
        change
    }

    /// The first token of an attempt that was sent at `sent` has arrived.
    #[inline]
    pub fn first_token(&mut self, now: Nanos, sent: Nanos, trial: bool) -> Option<HealthChange> {
        self.load.heard(sent);
        let change = self.health.first_token(now, sent, trial);
        if change.is_some() {
            self.refresh_shut(now);
        }
        change
    }

    /// Whether an attempt of this cost might be admitted when one in flight is settled.
    pub fn settle_may_help(&mut self, now: Nanos, cost: Cost, mode: Mode) -> bool {
        let in_flight = self.load.in_flight > 0;
        self.shut(now, cost, mode, Belief::peek).is_none_or(|shut| match (shut.until, shut.why) {
            // Failed probes: a good one helps.
            (Until::Settle, Why::Ejected) => false,
            (Until::Settle, _) => in_flight,
            (Until::Time(_), Why::Limit(dimension)) => in_flight && dimension.frees_on_settle(),
            (Until::Time(_) | Until::Never, _) => false,
        })
    }

    /// Returns what an attempt held and learns from its end; the change of health, and [`Core::headroom`].
    #[inline]
    pub fn settle(&mut self, now: Nanos, ended: Ended<'_>) -> (Option<HealthChange>, f32) {
        let Lease { sent, first_token, .. } = *ended.lease;
        self.load.in_flight -= 1;
        if first_token == Nanos::MAX {
            self.load.heard(sent);
        }
        let succeeded = ended.outcome.result == AttemptResult::Success;
        if succeeded {
            let (ttft, elapsed) = (nanos(first_token.min(now).since(sent)), nanos(now.since(sent)));
            self.speed.succeeded(now, ttft, elapsed, ended.outcome.usage.map_or(0, |usage| usage.output_tokens));
            self.health.answered(now, sent, ttft);
            self.estimate(ended.typical_tokens);
        } else {
            self.learn_without_answer(now, &ended);
        }
        if self.scale.weighs_latency() {
            self.expect(now, ended.typical.latency());
        }
        let paced = if succeeded || ended.reservation.is_none() { ended.paced } else { self.quota.paced(now) };
        let change = self.health.ended(now, &ended, paced);
        let mut opens = succeeded;
        if let Some(reservation) = ended.reservation {
            give_back(&mut self.quota, now, reservation, ended.outcome, self.health.pause_max());
            opens &= ended.outcome.usage.is_none_or(|usage| reservation.covers(usage.input_tokens, usage.output_tokens));
        }
        // What was open and has only got something back stays so.
        (change, self.refresh_used(now, opens, |quota| quota.headroom_about(now) as f32))
    }

    /// What an end without an answer says of the speed.
    #[cold]
    fn learn_without_answer(&mut self, now: Nanos, ended: &Ended<'_>) {
        let sent = ended.lease.sent;
        let elapsed = nanos(now.since(sent));
        match ended.outcome.result {
            // Other 4xx are about the request, the rest about the client: neither says how fast the provider is.
            AttemptResult::Success | AttemptResult::Status(400..=407 | 410..=428 | 430..=499) => return,
            AttemptResult::Abandoned | AttemptResult::CallerTimedOut | AttemptResult::NotSent => {
                return self.health.lost(now, sent, self.load.waiting);
            }
            AttemptResult::Status(_) | AttemptResult::ConnectionError | AttemptResult::Interrupted => self.speed.failed(now, elapsed),
            AttemptResult::TimedOut => {
                self.health.lost(now, sent, self.load.waiting);
                self.speed.failed(now, elapsed);
            }
        }
        self.estimate(ended.typical_tokens);
    }

    /// Finds out how long a typical request takes here.
    #[inline]
    fn estimate(&mut self, typical_tokens: f64) {
        self.typical = self.speed.typical(typical_tokens).map_or(0.0, |typical| typical.max(1.0));
    }

    /// What is known of its health, to ask.
    pub(super) fn health(&mut self) -> &mut Fitness {
        &mut self.health
    }

    /// See [`Fitness::judge`].
    pub fn judge(&mut self, now: Nanos, kind: Kind, elsewhere: &Ends) -> Option<HealthChange> {
        let change = self.health.judge(now, kind, elsewhere);
        self.refresh_shut(now);
        change
    }

    /// Rate-limit headers have arrived for the attempt of `reservation`.
    pub fn hear(&mut self, now: Nanos, reservation: &Reservation, headers: &RateLimitHeaders) {
        if self.health.pause_max().is_some() {
            self.quota.hear(now, reservation, headers);
            self.refresh_shut(now);
        }
    }

    /// Rate-limit headers that were malformed or absurd.
    pub fn ignored_headers(&self) -> u64 {
        self.quota.ignored_headers()
    }

    /// Attempts in flight.
    pub fn load(&self) -> Load {
        self.load
    }

    /// Mean send time of the attempts that wait for their first token, and for how long one is expected to, in ns; `None` where
    /// latency is not weighed.
    #[inline]
    pub fn lateness(&self) -> Option<(Nanos, f64)> {
        self.scale.weighs_latency().then(|| (self.load.mean_start(), self.expected.latency))
    }

    /// Finds out what to expect of it, where that is weighed.
    #[inline]
    fn expect(&mut self, now: Nanos, pool: f64) {
        if self.scale.weighs_latency() {
            self.expected = Expected::of(&self.scale, &self.speed, self.typical, now, pool);
        }
    }

    /// Time of a typical request in ns; 0 while unknown.
    pub fn typical(&self) -> f64 {
        self.typical
    }

    /// Not a candidate before this.
    pub fn shut_until(&self) -> Nanos {
        self.shut_until
    }

    /// Share of the tightest limit that is left, 0…1, as of the last use; 1 where the strategy does not weigh it.
    pub fn headroom(&self) -> f32 {
        self.headroom
    }

    /// See [`Scale::score`]; `headroom` is [`Core::headroom`].
    #[inline]
    pub fn score(&self, headroom: f32) -> u64 {
        self.scale.score(self.load, headroom, self.expected.latency)
    }

    /// Share of the tightest limit that is left now, 0…1, for who only looks.
    pub fn headroom_at(&self, now: Nanos) -> f64 {
        self.quota.clone().headroom(now)
    }

    /// Whether neither time nor a settlement that returns something changes that it is open.
    #[inline]
    fn is_plainly_open(&self) -> bool {
        // One that is drained is shut, and nobody asks whether one that has left is open.
        (self.shut_until == Nanos::ZERO) & !self.health.is_noteworthy() & self.quota.stays_open()
    }

    /// [`Core::refresh_shut`] after a use that leaves it open if it `opens`, and plainly was; `left` is what is left then of the tightest
    /// limit. Returns the headroom: whoever would read it again would wait until it is written.
    #[inline(always)]
    fn refresh_used(&mut self, now: Nanos, opens: bool, left: impl FnOnce(&mut Belief) -> f32) -> f32 {
        if !(opens && self.is_plainly_open()) {
            self.refresh_shut(now);
        } else if self.scale.weighs_headroom() {
            let headroom = left(&mut self.quota);
            self.headroom = headroom;
            return headroom;
        }
        self.headroom
    }

    #[inline]
    fn refresh_shut(&mut self, now: Nanos) {
        // The usual provider: open, without limits, and nothing to note.
        if self.drained | self.retired | !self.quota.is_unlimited() | self.health.is_noteworthy() {
            self.refresh_limited(now);
        } else {
            (self.shut_until, self.headroom) = (Nanos::ZERO, 1.0);
        }
    }

    #[inline(never)]
    fn refresh_limited(&mut self, now: Nanos) {
        let open = if self.scale.weighs_headroom() {
            let (headroom, open) = self.quota.outlook(now, Cost::default());
            self.headroom = headroom as f32;
            open
        } else {
            self.quota.is_open(now)
        };
        self.shut_until = match (self.retired, self.drained) {
            (true, _) => Nanos::ZERO,
            (false, true) => Nanos::MAX,
            (false, false) => {
                let quota = if open { Nanos::ZERO } else { self.quota.free_at(now, Cost::default()).into() };
                quota.max(self.health.shut_until(now))
            }
        };
    }

    /// Whether it was drained by configuration.
    pub fn is_drained(&self) -> bool {
        self.drained || self.retired
    }

    /// Whether it was taken out for failing, its trial included.
    pub fn is_out(&self, now: Nanos) -> bool {
        self.health.is_out(now)
    }

    /// Why it leaves a request to others although it is not shut.
    pub fn reluctance(&self) -> Why {
        if self.health.is_reluctant() { Why::Suspect } else { Why::SlowStart }
    }
}
