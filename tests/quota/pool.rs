//! Pools under test as scenario text, and what a run of one comes to.

use std::fmt::Write;
use std::ops::{Range, RangeInclusive};

use lbsim::drive::{self, Options};
use lbsim::metrics::observe::{AttemptEnd, AttemptKind, Observer, RequestEnd, RequestInfo};
use lbsim::scenario::{self, Overrides};
use lbsim::time::Nanos;

/// One provider: the true limits as they stand in a scenario, and what they sustain, requests per minute.
#[derive(Clone, Copy)]
pub struct Limited<'t> {
    pub limits: &'t str,
    pub per_minute: f64,
}

const fn limited(limits: &'static str, per_minute: f64) -> Limited<'static> {
    Limited { limits, per_minute }
}

/// Requests alone are limited: each algorithm, and a mix with slices of ten seconds and a shallow bucket.
pub const REQUESTS: [(&str, &[Limited<'static>]); 4] = [
    ("bucket", &[limited("rpm = 120", 120.0), limited("rpm = 60", 60.0), limited("rpm = 90, burst = 2", 90.0)]),
    ("fixed", &[limited("rpm = 120, algorithm = 'fixed-window'", 120.0), limited("rpm = 60, algorithm = 'fixed-window'", 60.0)]),
    ("sliding", &[limited("rpm = 120, algorithm = 'sliding-window'", 120.0), limited("rpm = 60, algorithm = 'sliding-window'", 60.0)]),
    (
        "mix",
        &[
            limited("rpm = 60, algorithm = 'fixed-window'", 60.0),
            limited("rpm = 60, algorithm = 'sliding-window'", 60.0),
            limited("rpm = 60, burst = 1", 60.0),
            limited("rpm = 60, algorithm = 'fixed-window', period = '10s'", 60.0),
        ],
    ),
];

/// Tokens bind at every second provider: a request is 400 + 180 tokens.
pub const TOKENS: [(&str, &[Limited<'static>]); 4] = [
    ("bucket", &[limited("rpm = 120, tpm = 34_800, charge = 'actual'", 60.0), limited("rpm = 90, tpm = 580_000", 90.0)]),
    (
        "fixed",
        &[
            limited("rpm = 120, tpm = 34_800, algorithm = 'fixed-window'", 60.0),
            limited("rpm = 60, tpm = 580_000, algorithm = 'fixed-window'", 60.0),
        ],
    ),
    (
        "sliding",
        &[
            limited("rpm = 120, tpm = 34_800, algorithm = 'sliding-window'", 60.0),
            limited("rpm = 60, tpm = 580_000, algorithm = 'sliding-window'", 60.0),
        ],
    ),
    (
        "mix",
        &[
            limited("rpm = 120, tpm = 34_800, algorithm = 'fixed-window'", 60.0),
            limited("rpm = 60, tpm = 580_000, algorithm = 'sliding-window'", 60.0),
            limited("rpm = 120, tpm = 34_800", 60.0),
        ],
    ),
];

/// As [`TOKENS`], where the provider reserves input + `max_tokens` on admission and gives back what an answer did not use.
pub const ESTIMATED: [(&str, &[Limited<'static>]); 4] = [
    ("bucket", &[limited("rpm = 120, tpm = 34_800", 60.0), limited("rpm = 90, tpm = 580_000", 90.0)]),
    ("bucket alone", &[limited("tpm = 34_800", 60.0), limited("tpm = 58_000", 100.0)]),
    (
        "fixed alone",
        &[limited("tpm = 34_800, algorithm = 'fixed-window'", 60.0), limited("tpm = 58_000, algorithm = 'fixed-window'", 100.0)],
    ),
    (
        "sliding alone",
        &[limited("tpm = 34_800, algorithm = 'sliding-window'", 60.0), limited("tpm = 58_000, algorithm = 'sliding-window'", 100.0)],
    ),
];

/// An answer takes 1.118 s at the mean (log-normal with a median of 1 s and a 99th percentile of 3 s: σ = ln 3 ÷ 2.326, mean
/// e^(σ²/2) s), so that a place is good for 53.7 requests a minute.
pub const CONCURRENCY: [(&str, &[Limited<'static>]); 3] = [
    ("five", &[limited("max_concurrency = 5", 268.0)]),
    ("two", &[limited("max_concurrency = 2", 107.0), limited("max_concurrency = 8", 429.0)]),
    ("with a rate", &[limited("rpm = 600, max_concurrency = 5", 268.0)]),
];

/// Input of 400 tokens and output of 180 at the mean, of which nothing is known but `max_tokens`.
pub const UNKNOWN_SIZES: &str = "max_tokens = 1_000\ntokens = { input = 400, output = { p50 = 150, p99 = 568 } }";

/// A run to be made.
#[derive(Clone)]
pub struct Case<'t> {
    pub pool: Vec<Limited<'t>>,
    pub strategy: &'static str,
    pub visibility: &'static str,
    /// Offered ÷ sustained.
    pub load: f64,
    /// Traffic of others ÷ sustained, at each provider.
    pub others: f64,
    /// Lines of `[load]`: sizes.
    pub sizes: &'static str,
    pub warmup_s: u32,
    pub duration_s: u32,
    pub seed: u64,
    /// Lines of `[balancer]`.
    pub balancer: &'static str,
    /// Lines of each `[[provider]]`.
    pub provider: &'static str,
}

impl<'t> Case<'t> {
    /// The limits are declared; five minutes after one of warm-up, the queue holds requests for up to 90 s.
    pub fn new(pool: &[Limited<'t>], strategy: &'static str, load: f64) -> Case<'t> {
        Case {
            pool: pool.to_vec(),
            strategy,
            visibility: "config",
            load,
            others: 0.0,
            sizes: "",
            warmup_s: 60,
            duration_s: 300,
            seed: 1,
            balancer: "",
            provider: "",
        }
    }

    /// What the pool sustains, requests per minute.
    pub fn sustained(&self) -> f64 {
        self.pool.iter().map(|provider| provider.per_minute).sum()
    }

    fn text(&self) -> String {
        let rate = self.sustained() * self.load;
        let mut text = format!(
            "schema = 1\nname = 'quota'\nseed = {}\n[load]\nrate = '{rate}/min'\nwarmup = '{}s'\nduration = '{}s'\n{}\n\
             [balancer]\nstrategy = '{}'\nqueue = {{ max_wait = '90s', max_length = 1_000_000 }}\n{}\n",
            self.seed, self.warmup_s, self.duration_s, self.sizes, self.strategy, self.balancer
        );
        for (index, provider) in self.pool.iter().enumerate() {
            let Limited { limits, per_minute } = provider;
            let _ = write!(text, "[[provider]]\nname = 'p{index}'\nlatency = {{ p50 = '1s', p99 = '3s' }}\nlimits = {{ {limits} }}\n");
            let _ = writeln!(text, "visibility = '{}'\n{}", self.visibility, self.provider);
            if self.others > 0.0 {
                let _ = writeln!(text, "background = '{}/min'", per_minute * self.others);
            }
            if self.strategy == "weighted-round-robin" {
                let _ = writeln!(text, "weight = {per_minute}");
            }
        }
        text
    }

    pub fn run(&self) -> Outcome {
        let text = self.text();
        let loaded = scenario::parse("quota.toml", &text, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let window = Nanos::from_secs(self.warmup_s.into())..Nanos::from_secs((self.warmup_s + self.duration_s).into());
        let mut count = Count { window, ..Count::default() };
        drive::simulate(&loaded.scenario.plan, &mut count, Options::default()).expect("the plan is valid");
        let sustained = self.sustained() * (1.0 - self.others) / 60.0 * f64::from(self.duration_s);
        Outcome { count, sustained }
    }
}

/// What a whole grid of cases must keep to.
#[derive(Clone, Copy)]
pub struct Marks {
    /// The most refusals, as a share of attempts.
    pub refused_max: f64,
    /// The least share of what is possible that is served.
    pub served_min: f64,
    /// With more work than quota, the least share of the quota that is used while requests arrive.
    pub used_min: f64,
}

/// The seeds from 1 on: so many, or as many as the environment asks for with `QUOTA_SEEDS=60`.
pub fn seeds(usually: u64) -> RangeInclusive<u64> {
    1..=std::env::var("QUOTA_SEEDS").map_or(usually, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Holds every pool, strategy and load to the marks; `shape` says what is special about each case. All misses are shown.
/// Of the seeds the first is tried unless more are asked for.
pub fn hold(pools: &[(&str, &[Limited<'static>])], marks: Marks, shape: impl Fn(Case<'static>) -> Case<'static>) {
    let (mut missed, mut cases, mut misses) = (String::new(), 0, 0);
    for (name, pool) in pools {
        for strategy in STRATEGIES {
            for (load, seed) in [0.6, 0.9, 1.0, 1.2].into_iter().flat_map(|load| seeds(1).map(move |seed| (load, seed))) {
                let outcome = Case { seed, ..shape(Case::new(pool, strategy, load)) }.run();
                let used = load < 1.1 || outcome.used() >= marks.used_min;
                let good = outcome.refused() <= marks.refused_max && outcome.served() >= marks.served_min && used;
                let sign = if good { " " } else { "✗" };
                let what = format!("{sign} {name}, {strategy}, load {load}, seed {seed}: {}\n", outcome.figures());
                print!("{what}");
                (cases, misses) = (cases + 1, misses + u32::from(!good));
                if !good {
                    missed += &what;
                }
            }
        }
    }
    assert!(missed.is_empty(), "{misses} of {cases} miss:\n{missed}");
}

/// What became of it.
pub struct Outcome {
    count: Count,
    /// What the pool can take while requests arrive.
    sustained: f64,
}

impl Outcome {
    /// Measured requests that succeeded ÷ possible; more than 1 where the queue is served after the last arrival.
    pub fn served(&self) -> f64 {
        self.count.succeeded as f64 / self.sustained.min(self.count.offered as f64)
    }

    /// Attempts that providers admitted while measured requests arrived ÷ sustained.
    pub fn used(&self) -> f64 {
        (self.count.sent - self.count.refused_in_window) as f64 / self.sustained
    }

    /// 429s ÷ attempts.
    pub fn refused(&self) -> f64 {
        self.count.refused as f64 / self.count.attempts as f64
    }

    /// In words.
    pub fn figures(&self) -> String {
        let (served, used, refused) = (100.0 * self.served(), 100.0 * self.used(), 100.0 * self.refused());
        format!("served {served:.2} %, used {used:.2} %, {} of {} refused ({refused:.2} %)", self.count.refused, self.count.attempts)
    }
}

/// 429s and attempts of a scenario.
pub fn refusals(text: &str) -> (u64, u64) {
    let loaded = scenario::parse("quota.toml", text, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let mut count = Count::default();
    drive::simulate(&loaded.scenario.plan, &mut count, Options::default()).expect("the plan is valid");
    (count.refused, count.attempts)
}

/// Counts what the figures need.
#[derive(Default)]
struct Count {
    window: Range<Nanos>,
    offered: u64,
    succeeded: u64,
    attempts: u64,
    refused: u64,
    /// Sent in the window, whosever.
    sent: u64,
    /// Of these: answered 429.
    refused_in_window: u64,
}

impl Observer for Count {
    fn offered(&mut self, request: &RequestInfo) {
        self.offered += u64::from(request.measured);
    }

    fn sent(&mut self, now: Nanos, request: &RequestInfo, _: usize, _: AttemptKind) {
        self.attempts += u64::from(request.measured);
        self.sent += u64::from(self.window.contains(&now));
    }

    fn attempt_ended(&mut self, _: Nanos, request: &RequestInfo, _: usize, sent: Nanos, end: AttemptEnd) {
        if end == AttemptEnd::RateLimited {
            self.refused += u64::from(request.measured);
            self.refused_in_window += u64::from(self.window.contains(&sent));
        }
    }

    fn ended(&mut self, _: Nanos, request: &RequestInfo, end: RequestEnd) {
        let succeeded = matches!(end, RequestEnd::Succeeded { .. });
        self.succeeded += u64::from(request.measured && succeeded);
    }

    fn started(&mut self, _: Nanos, _: &RequestInfo, _: usize, _: Nanos) {}
    fn occupancy(&mut self, _: Nanos, _: usize, _: u32, _: u32) {}
    fn ejected(&mut self, _: Nanos, _: usize) {}
    fn readmitted(&mut self, _: Nanos, _: usize) {}
    fn decision_timed(&mut self, _: u64) {}
    fn arrivals_ended(&mut self, _: Nanos) {}
    fn finished(&mut self, _: Nanos) {}
}

/// Strategies that choose by headroom, by chance and load, by weight, and by load alone.
pub const STRATEGIES: [&str; 4] = ["rate-limit-aware", "power-of-two", "weighted-round-robin", "least-connections"];
