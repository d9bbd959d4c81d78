//! What providers have to give: quota by dimension and group, slots, places.

use super::uptime::{Stretch, stretches};
use crate::drive::Plan;
use crate::engine::limit::{Charge, Dimension, Limits};
use crate::metrics::capacity::{admissible, rates};
use crate::time::Nanos;
use crate::world::requests::SimRequest;

/// One thing of which there is only so much.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What it counts.
    pub kind: Kind,
    /// Whose it is, for people: a provider or a quota group.
    owner: String,
    /// Providers that take from it.
    pub members: Vec<usize>,
    /// How much there is.
    pub capacity: f64,
    charge: Charge,
}

/// What a resource counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Requests or tokens.
    Quota(Dimension),
    /// Seconds that requests stay, in slots or in places.
    Time {
        /// Slots rather than `max_concurrency`.
        slots: bool,
    },
}

/// The time in which measured requests can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The first instant at which one may be admitted.
    pub from: Nanos,
    /// The last one.
    pub admitted_until: Nanos,
    /// By when a good answer has ended.
    pub answered_until: Nanos,
}

/// All that is limited in a plan.
#[derive(Clone, Debug)]
pub struct Resources {
    /// In file order of their first members.
    pub all: Vec<Resource>,
    /// By provider: indices of the resources it takes from.
    pub of_provider: Vec<Vec<usize>>,
    /// By provider: whether it is ever up.
    pub ever_up: Vec<bool>,
}

impl Resources {
    /// What there is of each.
    pub fn of(plan: &Plan, horizon: Horizon) -> Resources {
        let Horizon { from, admitted_until, answered_until } = horizon;
        let providers = plan.providers.len();
        let times: Vec<Vec<Stretch>> = (0..providers).map(|provider| stretches(plan, provider, (from, admitted_until))).collect();
        let mut all = Vec::new();
        for members in groups(plan) {
            quotas(plan, &members, &times, &mut all);
        }
        let span = answered_until.since(from).as_secs_f64();
        for (provider, spec) in plan.providers.iter().enumerate() {
            let places = |count: u32, slots: bool| Resource {
                kind: Kind::Time { slots },
                owner: spec.name.clone(),
                members: vec![provider],
                capacity: f64::from(count) * span,
                charge: Charge::Actual,
            };
            all.extend(spec.slots.map(|slots| places(slots, true)));
            let changes = plan.events.iter().filter(|event| event.provider == provider).filter_map(|event| event.set.limits.as_ref());
            let most = changes.map(|limits| limits.max_concurrency).chain([spec.limits.max_concurrency]).reduce(larger).flatten();
            all.extend(most.map(|most| places(most, false)));
        }
        let of_provider = (0..providers).map(|provider| (0..all.len()).filter(|at| all[*at].members.contains(&provider)).collect());
        let of_provider = of_provider.collect();
        Resources { all, of_provider, ever_up: times.iter().map(|times| times.iter().any(|stretch| stretch.up)).collect() }
    }

    /// Whether nothing is limited, and every provider is up at some time.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.ever_up.iter().all(|up| *up)
    }

    /// The resource on which most is spent at these prices.
    pub fn dearest(&self, prices: &[f64]) -> Option<String> {
        let spent = |at: &usize| prices[*at] * self.all[*at].capacity;
        let dearest = (0..self.all.len()).filter(|at| spent(at) > 0.0).max_by(|a, b| spent(a).total_cmp(&spent(b)))?;
        let Resource { kind, owner, .. } = &self.all[dearest];
        let what = match kind {
            Kind::Quota(dimension) => dimension.word(),
            Kind::Time { slots: true } => "slots",
            Kind::Time { slots: false } => "max_concurrency",
        };
        Some(format!("{what} of {owner}"))
    }
}

impl Resource {
    /// What a request that stays `holding` seconds takes of it at least.
    pub fn cost(&self, request: &SimRequest, holding: f64) -> f64 {
        let (input, output) = (f64::from(request.input), f64::from(request.output));
        // With an estimate the difference is returned at the end; where the estimate is below the truth, a window may be
        // over before the rest is charged.
        let output = match (self.charge, request.max_tokens) {
            (Charge::Estimate, None) => 0.0,
            _ => output,
        };
        match self.kind {
            Kind::Quota(Dimension::Tokens | Dimension::TokensPerDay) => input + output,
            Kind::Quota(Dimension::InputTokens) => input,
            Kind::Quota(Dimension::OutputTokens) => output,
            Kind::Quota(_) => 1.0,
            Kind::Time { .. } => holding,
        }
    }
}

/// Providers that share a quota, the others alone.
fn groups(plan: &Plan) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (provider, spec) in plan.providers.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| spec.quota_group.is_some() && plan.providers[group[0]].quota_group == spec.quota_group;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(provider),
            None => groups.push(vec![provider]),
        }
    }
    groups
}

/// One resource for each dimension that is limited all the time.
fn quotas(plan: &Plan, members: &[usize], times: &[Vec<Stretch>], all: &mut Vec<Resource>) {
    let own = members.iter().map(|member| &plan.providers[*member].limits).find(|limits| !limits.is_unlimited());
    let Some(own) = own else { return };
    let owner = &plan.providers[members[0]];
    for (dimension, ..) in rates(own) {
        let capacity = capacity(members, times, own, dimension);
        if capacity.is_finite() {
            let owner = owner.quota_group.as_ref().unwrap_or(&owner.name).clone();
            all.push(Resource { kind: Kind::Quota(dimension), owner, members: members.to_vec(), capacity, charge: own.charge });
        }
    }
}

/// What the quota of `members` can give while at least one of them is up, period by period of equal limits.
fn capacity(members: &[usize], times: &[Vec<Stretch>], own: &Limits, dimension: Dimension) -> f64 {
    let mut periods: Vec<(Limits, Vec<(Nanos, Nanos)>)> = Vec::new();
    for (from, until) in pieces(members, times) {
        let now = || members.iter().filter_map(|member| times[*member].iter().find(|one| one.from <= from && from < one.until));
        let limits = now().find_map(|stretch| stretch.limits.clone()).unwrap_or_else(|| own.clone());
        if periods.last().is_none_or(|(last, _)| *last != limits) {
            periods.push((limits, Vec::new()));
        }
        if let Some((_, spans)) = periods.last_mut().filter(|_| now().any(|stretch| stretch.up)) {
            match spans.last_mut().filter(|(_, end)| *end == from) {
                Some((_, end)) => *end = until,
                None => spans.push((from, until)),
            }
        }
    }
    periods.iter().filter(|(_, spans)| !spans.is_empty()).map(|(limits, spans)| admissible(limits, dimension, spans)).sum()
}

/// The time, cut wherever something changes for one of the members.
fn pieces(members: &[usize], times: &[Vec<Stretch>]) -> Vec<(Nanos, Nanos)> {
    let mut edges: Vec<Nanos> = members.iter().flat_map(|member| times[*member].iter().flat_map(|one| [one.from, one.until])).collect();
    edges.sort_unstable();
    edges.dedup();
    edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The larger of two numbers of places; none is unlimited.
fn larger(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    Some(a?.max(b?))
}
