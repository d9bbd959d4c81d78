//! Builds plans in code: a world with everything off that a test does not switch on.

use lbsim::drive::Plan;
use lbsim::drive::plan::{Queue, Slo};
use lbsim::engine::limit::Limits;
use lbsim::engine::{Config, ProviderConfig, Retry, Strategy};
use lbsim::time::Nanos;
use lbsim::world::dist::Dist;
use lbsim::world::spec::{ArrivalLaw, Change, Class, End, Event, Load, OpenLoop, ProviderSpec, Service, Source, Visibility};

/// Seconds as whole nanoseconds.
pub fn s(seconds: f64) -> Nanos {
    Nanos::from_secs_f64(seconds)
}

/// Milliseconds as whole nanoseconds.
pub fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

/// A fixed duration in seconds.
pub fn fixed(seconds: f64) -> Dist {
    Dist::Fixed(seconds * 1e9)
}

/// An exponential duration by its mean in seconds.
pub fn exponential(seconds: f64) -> Dist {
    Dist::Exponential { mean: seconds * 1e9 }
}

/// A log-normal duration by its mean in seconds and its coefficient of variation: σ² = ln(1 + cv²), μ = ln m − σ²/2.
pub fn lognormal(seconds: f64, cv: f64) -> Dist {
    let variance = (1.0 + cv * cv).ln();
    Dist::LogNormal { mu: (seconds * 1e9).ln() - variance / 2.0, sigma: variance.sqrt() }
}

/// A gamma duration by its mean in seconds and its coefficient of variation: shape 1/cv².
pub fn gamma(seconds: f64, cv: f64) -> Dist {
    Dist::Gamma { shape: 1.0 / (cv * cv), scale: seconds * 1e9 * cv * cv }
}

/// One provider: the truth, and what the balancer is told besides its limits.
#[derive(Clone, Debug)]
pub struct Provider {
    pub spec: ProviderSpec,
    pub config: ProviderConfig,
}

/// A provider that answers after `latency`, without slots, limits or errors; refusals take no time.
pub fn provider(name: &str, latency: Dist) -> Provider {
    let spec = ProviderSpec {
        name: name.to_owned(),
        service: Service::Whole(latency),
        error_rate: 0.0,
        error_status: 500,
        error_latency: Dist::Fixed(0.0),
        slots: None,
        queue: None,
        limits: Limits::default(),
        visibility: Visibility::Config,
        quota_group: None,
        background: 0.0,
        cost: None,
        shape: Default::default(),
    };
    Provider { spec, config: ProviderConfig { name: name.to_owned(), ..ProviderConfig::default() } }
}

/// `count` equal providers named p0, p1, ….
pub fn providers(count: usize, like: &Provider) -> Vec<Provider> {
    let named = |index: usize| {
        let mut one = like.clone();
        one.spec.name = format!("p{index}");
        one.config.name.clone_from(&one.spec.name);
        one
    };
    (0..count).map(named).collect()
}

impl Provider {
    pub fn slots(mut self, slots: u32) -> Provider {
        self.spec.slots = Some(slots);
        self
    }

    pub fn queue(mut self, places: u64) -> Provider {
        self.spec.queue = Some(places);
        self
    }

    pub fn weight(mut self, weight: f64) -> Provider {
        self.config.weight = Some(weight);
        self
    }

    pub fn tier(mut self, priority: u32) -> Provider {
        self.config.priority = priority;
        self
    }

    pub fn limits(mut self, limits: Limits) -> Provider {
        self.spec.limits = limits;
        self
    }

    pub fn errors(mut self, rate: f64) -> Provider {
        self.spec.error_rate = rate;
        self
    }

    pub fn streamed(mut self, ttft: Dist, itl: Dist) -> Provider {
        self.spec.service = Service::Streamed { ttft, prefill: 0.0, itl, crowding: 0.0 };
        self
    }
}

/// A plan under construction. Its fields stay reachable for what no method is worth.
#[derive(Clone, Debug)]
pub struct World {
    pub plan: Plan,
}

impl World {
    /// One constant request a second for a minute, seed 1, no retries, no queue, no health rules.
    pub fn new(strategy: Strategy, members: Vec<Provider>) -> World {
        let (mut specs, mut configs) = (Vec::new(), Vec::new());
        // There is one group at most, and its limits are given once.
        let mut shared: Option<Limits> = None;
        for Provider { mut spec, mut config } in members {
            if spec.quota_group.is_some() {
                spec.limits = shared.get_or_insert(spec.limits).clone();
            }
            if spec.visibility == Visibility::Config {
                config.limits = spec.limits.clone();
            }
            config.quota_group.clone_from(&spec.quota_group);
            config.cost = spec.cost;
            specs.push(spec);
            configs.push(config);
        }
        let engine = Config { outlier_detection: None, seed: 1, ..Config::new(strategy, configs) };
        let class = Class {
            name: None,
            model: None,
            share: 1.0,
            priority: 0,
            deadline: None,
            cancel: 0.0,
            poison: 0.0,
            poison_status: None,
            timeout: None,
            input: Dist::Fixed(400.0),
            output: Dist::Fixed(180.0),
            max_tokens: None,
        };
        let open = OpenLoop { arrival: ArrivalLaw::Constant, rate: 1.0, stages: Vec::new(), bursts: Vec::new() };
        let load = Load {
            source: Source::Open(open),
            end: End::Duration(Nanos::from_secs(60)),
            warmup: Nanos::ZERO,
            classes: vec![class],
            sessions: None,
        };
        World {
            plan: Plan {
                seed: 1,
                load,
                providers: specs,
                events: Vec::new(),
                engine,
                replicas: 1,
                replica_shares: Vec::new(),
                sync: None,
                timeout: Nanos::from_secs(1_000_000),
                queue: Queue { max_wait: Nanos::ZERO, max_length: 1_000 },
                hedge: None,
                health_check: None,
                slo: Slo::default(),
                real: None,
            },
        }
    }

    fn arrivals(mut self, arrival: ArrivalLaw, rate: f64) -> World {
        self.plan.load.source = Source::Open(OpenLoop { arrival, rate, stages: Vec::new(), bursts: Vec::new() });
        self
    }

    pub fn constant(self, rate: f64) -> World {
        self.arrivals(ArrivalLaw::Constant, rate)
    }

    pub fn poisson(self, rate: f64) -> World {
        self.arrivals(ArrivalLaw::Poisson, rate)
    }

    pub fn closed(mut self, users: u32, think_time: Dist) -> World {
        self.plan.load.source = Source::Closed { users, think_time };
        self
    }

    pub fn seed(mut self, seed: u64) -> World {
        (self.plan.seed, self.plan.engine.seed) = (seed, seed);
        self
    }

    pub fn duration(mut self, seconds: f64) -> World {
        self.plan.load.end = End::Duration(s(seconds));
        self
    }

    pub fn requests(mut self, count: u64) -> World {
        self.plan.load.end = End::Requests(count);
        self
    }

    pub fn warmup(mut self, seconds: f64) -> World {
        self.plan.load.warmup = s(seconds);
        self
    }

    pub fn quota(mut self, on: bool) -> World {
        self.plan.engine.quota = on;
        self
    }

    pub fn timeout(mut self, seconds: f64) -> World {
        self.plan.timeout = s(seconds);
        self
    }

    /// Retries without a budget, the first after `backoff` seconds (jittered from ½ to 1½).
    pub fn retries(mut self, max_retries: u32, backoff: f64) -> World {
        self.plan.engine.retry = Retry { max_retries, backoff: s(backoff), budget: None, ..Retry::default() };
        self
    }

    pub fn balancer_queue(mut self, max_wait: f64, max_length: u64) -> World {
        self.plan.queue = Queue { max_wait: s(max_wait), max_length };
        self
    }

    pub fn event(mut self, provider: usize, at: f64, until: f64, set: Change) -> World {
        self.plan.events.push(Event { name: None, provider, at: s(at), until: Some(s(until)), set });
        self
    }
}
