//! The measured requests of a run, drawn again by their address.

use std::ops::Range;

use super::resource::Resources;
use super::uptime::fastest_factors;
use crate::drive::Plan;
use crate::time::Nanos;
use crate::world::provider::{Call, Timing, timing};
use crate::world::requests::{RequestFactory, SimRequest};
use crate::world::spec::{Source, TraceRow};

/// Prices are tried at these multiples: those of mean sizes are too high or too low where sizes vary, and the bound is convex
/// in the multiple.
const SCALES: [f64; 12] = [0.0, 0.3, 0.5, 0.65, 0.8, 0.9, 1.0, 1.12, 1.3, 1.6, 2.2, 4.0];
/// As many requests stand for all where only means are wanted.
const SAMPLE: u64 = 2_000;

/// The requests with these ids.
pub struct Requests<'p> {
    plan: &'p Plan,
    factory: RequestFactory,
    ids: Range<u64>,
    rows: &'p [TraceRow],
    /// By class: providers that serve its model.
    serves: Vec<Vec<usize>>,
    factors: Vec<(f64, f64)>,
    /// By provider: the first one that serves the same models in the same time.
    alike: Vec<usize>,
    /// Whether how long answers take can matter: for slots, places and objectives.
    times: bool,
}

/// Mean costs of the requests of one class.
#[derive(Clone, Debug)]
pub struct ClassCosts {
    /// Requests of the class, as far as the sample tells.
    pub requests: f64,
    /// Of them, those that can be good at all.
    pub possible: f64,
    /// By provider that serves it: (provider, mean cost by resource it takes from, in the order of `of_provider`).
    pub at: Vec<(usize, Vec<f64>)>,
}

impl<'p> Requests<'p> {
    /// The requests with these ids of a plan.
    pub fn of(plan: &'p Plan, ids: Range<u64>) -> Requests<'p> {
        let rows = if let Source::Trace { rows, .. } = &plan.load.source { &rows[..] } else { &[] };
        let providers = &plan.engine.providers;
        let serves = |model: &Option<String>| {
            let lists =
                |at: &usize| providers[*at].models.is_empty() || model.as_ref().is_none_or(|model| providers[*at].models.contains(model));
            (0..providers.len()).filter(lists).collect()
        };
        let factors: Vec<(f64, f64)> = (0..providers.len()).map(|provider| fastest_factors(plan, provider)).collect();
        let describe = |at: usize| format!("{:?} {:?} {:?}", plan.providers[at].service, factors[at], providers[at].models);
        let described: Vec<String> = (0..providers.len()).map(describe).collect();
        let first = |at: usize| described.iter().position(|other| *other == described[at]).unwrap_or(at);
        let limited = |provider: &crate::world::spec::ProviderSpec| provider.slots.is_some() || provider.limits.max_concurrency.is_some();
        Requests {
            plan,
            factory: RequestFactory::new(&plan.load, plan.seed, plan.timeout),
            ids,
            rows,
            serves: plan.load.classes.iter().map(|class| serves(&class.model)).collect(),
            alike: (0..providers.len()).map(first).collect(),
            factors,
            times: plan.slo.latency.is_some() || plan.slo.ttft.is_some() || plan.providers.iter().any(limited),
        }
    }

    /// How many of them can be good if nothing were limited: not those that fail everywhere, whose client goes away, or that
    /// nobody can answer within the objectives.
    pub fn possible(&self, resources: &Resources) -> f64 {
        let picky = self.plan.load.classes.iter().any(|class| class.poison > 0.0 || class.cancel > 0.0);
        let objectives = self.plan.slo.latency.is_some() || self.plan.slo.ttft.is_some();
        let serves = |class: &Vec<usize>| class.iter().any(|provider| resources.ever_up[*provider]);
        if !picky && !objectives && self.serves.iter().all(serves) {
            return (self.ids.end - self.ids.start) as f64;
        }
        self.each().filter(|request| self.can_be_good(request, resources)).count() as f64
    }

    /// The dual bound at these prices, at the best of their multiples.
    pub fn dual(&self, resources: &Resources, prices: &[f64]) -> f64 {
        let capacity: f64 = resources.all.iter().zip(prices).map(|(resource, price)| resource.capacity * price).sum();
        let mut sums = SCALES.map(|scale| scale * capacity);
        for request in self.each() {
            if request.poison || request.cancel_at.is_some() {
                continue;
            }
            let cheapest = self.serves[usize::from(request.class)].iter().filter(|provider| resources.ever_up[**provider]);
            let cheapest = cheapest.filter_map(|provider| self.price(&request, *provider, resources, prices)).reduce(f64::min);
            let Some(price) = cheapest else { continue };
            for (sum, scale) in sums.iter_mut().zip(SCALES) {
                *sum += (1.0 - scale * price).max(0.0);
            }
        }
        sums.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The shortest time that any provider takes for a request that waits for nothing; `None` where none can answer it well.
    pub fn shortest(&self, id: u64) -> Option<Nanos> {
        let request = self.make(id);
        let serving = self.serves[usize::from(request.class)].iter().filter(|provider| self.alike[**provider] == **provider);
        serving.filter_map(|provider| Some(self.fastest(&request, *provider)?.total)).min()
    }

    /// Mean costs by class, from a sample.
    pub fn costs(&self, resources: &Resources) -> Vec<ClassCosts> {
        let serving = |class: &Vec<usize>| class.iter().copied().filter(|provider| resources.ever_up[*provider]).collect::<Vec<_>>();
        let empty = |class: &Vec<usize>| ClassCosts {
            requests: 0.0,
            possible: 0.0,
            at: serving(class).into_iter().map(|provider| (provider, vec![0.0; resources.of_provider[provider].len()])).collect(),
        };
        let mut classes: Vec<ClassCosts> = self.serves.iter().map(empty).collect();
        let sample = self.ids.start..self.ids.end.min(self.ids.start + SAMPLE);
        let scale = (self.ids.end - self.ids.start) as f64 / (sample.end - sample.start).max(1) as f64;
        for id in sample {
            let request = self.make(id);
            let class = &mut classes[usize::from(request.class)];
            class.requests += scale;
            if request.poison || request.cancel_at.is_some() {
                continue;
            }
            class.possible += scale;
            for (provider, costs) in &mut class.at {
                let holding = self.holding(&request, *provider);
                for (cost, at) in costs.iter_mut().zip(&resources.of_provider[*provider]) {
                    *cost += scale * resources.all[*at].cost(&request, holding);
                }
            }
        }
        for class in &mut classes {
            let of = class.possible.max(f64::MIN_POSITIVE);
            class.at.iter_mut().flat_map(|(_, costs)| costs).for_each(|cost| *cost /= of);
        }
        classes
    }

    fn each(&self) -> impl Iterator<Item = SimRequest> + '_ {
        self.ids.clone().map(|id| self.make(id))
    }

    fn make(&self, id: u64) -> SimRequest {
        self.factory.make(id, Nanos::ZERO, usize::try_from(id).ok().and_then(|id| self.rows.get(id)))
    }

    fn can_be_good(&self, request: &SimRequest, resources: &Resources) -> bool {
        let within = |provider: &usize| resources.ever_up[*provider] && (!self.times || self.fastest(request, *provider).is_some());
        !request.poison && request.cancel_at.is_none() && self.serves[usize::from(request.class)].iter().any(within)
    }

    /// What all that a request takes from a provider costs; `None` where it cannot be good there.
    fn price(&self, request: &SimRequest, provider: usize, resources: &Resources, prices: &[f64]) -> Option<f64> {
        let holding = if self.times { self.fastest(request, provider)?.total.as_secs_f64() } else { 0.0 };
        let of = &resources.of_provider[provider];
        Some(of.iter().filter(|at| prices[**at] > 0.0).map(|at| prices[*at] * resources.all[*at].cost(request, holding)).sum())
    }

    fn holding(&self, request: &SimRequest, provider: usize) -> f64 {
        let limited = self.times.then(|| self.fastest(request, provider)).flatten();
        limited.map_or(0.0, |timing| timing.total.as_secs_f64())
    }

    /// The fastest that any attempt of a request there can be, if that is good enough.
    fn fastest(&self, request: &SimRequest, provider: usize) -> Option<Timing> {
        let attempts = self.plan.engine.retry.max_retries + u32::from(self.plan.hedge.is_some());
        let spec = &self.plan.providers[provider];
        let each = (0..=attempts).map(|attempt| {
            let call = Call {
                request: request.id,
                attempt,
                input: request.input,
                output: request.output,
                max_tokens: request.max_tokens,
                poison: false,
                poison_status: None,
            };
            timing(&spec.service, self.plan.seed, &call, self.factors[provider], 0.0)
        });
        let least = |a: Timing, b: Timing| Timing { ttft: a.ttft.min(b.ttft), total: a.total.min(b.total) };
        let slo = &self.plan.slo;
        let good = |timing: &Timing| {
            timing.total <= request.timeout
                && slo.ttft.is_none_or(|most| timing.ttft <= most)
                && slo.latency.is_none_or(|most| timing.total <= most)
        };
        each.reduce(least).filter(good)
    }
}
