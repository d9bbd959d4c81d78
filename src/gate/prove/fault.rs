//! The faults, each of which a well-known gateway has had.

use crate::drive::Plan;
use crate::engine::Config;
use crate::engine::strategy::Strategy;
use crate::time::Nanos;

/// One way to be broken: a row of [`FAULTS`].
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// For people and scripts.
    pub name: &'static str,
    /// What the broken balancer does.
    pub summary: &'static str,
    /// An expectation that would catch it.
    pub add: &'static str,
    /// Whether it can make a difference in this plan.
    pub(super) shows: fn(&Plan) -> bool,
    /// What is wrong with its configuration.
    pub(super) configure: fn(&Plan, &mut Config),
    /// What is wrong with its code.
    pub(super) habit: Habit,
}

/// What a broken balancer does otherwise than the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Nothing: its configuration is wrong.
    None,
    /// Attempts that end without an answer keep their place.
    Leaks,
    /// `retry-after` is not read.
    Deaf,
    /// Tokens are counted when the answer says how many there were.
    CountsLate,
    /// It stays with a provider as long as that takes requests.
    Sticky,
}

/// Longer than any run.
const NEVER: Nanos = Nanos::from_secs(365 * 86_400);

/// All faults, in the order in which they are listed.
pub const FAULTS: [Fault; 13] = [
    Fault {
        name: "weights-ignored",
        summary: "every provider counts as much as any other",
        add: "a `share` with target and tolerance for a provider whose weight is not the mean",
        shows: |plan| weighted(plan),
        configure: |_, config| config.providers.iter_mut().for_each(|provider| provider.weight = None),
        habit: Habit::None,
    },
    Fault {
        name: "weights-reversed",
        summary: "the heaviest provider gets the least",
        add: "a `share` with target and tolerance for the heaviest provider",
        shows: |plan| weighted(plan),
        configure: |_, config| reverse_weights(config),
        habit: Habit::None,
    },
    Fault {
        name: "first-provider-only",
        summary: "everything goes to the first provider, whatever happens to it",
        add: "a `share` with a `max` for the first provider",
        shows: |plan| plan.providers.len() > 1,
        configure: |_, config| {
            (config.strategy, config.quota, config.outlier_detection) = (Strategy::Failover, false, None);
        },
        habit: Habit::None,
    },
    Fault {
        name: "rotation-off-by-one",
        summary: "the last provider of the list is never chosen",
        add: "a `share` with a `min` for the last provider",
        shows: |plan| plan.providers.len() > 1,
        configure: |_, config| config.providers.iter_mut().next_back().into_iter().for_each(|last| last.drained = true),
        habit: Habit::None,
    },
    Fault {
        name: "sticky",
        summary: "stays with one provider as long as that takes requests",
        add: "a `max_share_error` or `total_variation` with a `max`",
        shows: |plan| plan.providers.len() > 1,
        configure: |_, _| {},
        habit: Habit::Sticky,
    },
    Fault {
        name: "never-ejects",
        summary: "a failing provider keeps its share",
        add: "`success_ratio` or `share` `during` an event in which a provider fails",
        shows: |plan| plan.engine.outlier_detection.is_some() && fails(plan),
        configure: |_, config| config.outlier_detection = None,
        habit: Habit::None,
    },
    Fault {
        name: "never-readmits",
        summary: "an ejected provider stays out",
        add: "`recovery_time`, or a `share` with a `min` for the time after an event in which a provider fails",
        shows: |plan| plan.engine.outlier_detection.is_some() && fails(plan),
        configure: |_, config| {
            if let Some(rules) = &mut config.outlier_detection {
                (rules.base_ejection_time, rules.max_ejection_time) = (NEVER, NEVER);
            }
        },
        habit: Habit::None,
    },
    Fault {
        name: "ignores-retry-after",
        summary: "comes back to a provider before it said it may",
        add: "`rate_limited_ratio` with a `max` where limits are not declared",
        shows: |plan| limited(plan) || fails(plan),
        configure: |_, config| config.retry.honor_retry_after = false,
        habit: Habit::Deaf,
    },
    Fault {
        name: "counts-tokens-late",
        summary: "counts tokens when the answer is there, not when the request is sent",
        add: "`rate_limited` with a `max` under a token limit and a `[[load.burst]]`",
        shows: |plan| plan.providers.iter().any(|provider| provider.limits.tpm.or(provider.limits.itpm).or(provider.limits.otpm).is_some()),
        configure: |_, _| {},
        habit: Habit::CountsLate,
    },
    Fault {
        name: "leaks-in-flight",
        summary: "attempts that end without an answer stay counted as in flight",
        add: "a `share` with `least-connections` and a class with `cancel`, over many requests",
        shows: |plan| plan.load.classes.iter().any(|class| class.cancel > 0.0 || class.timeout.is_some()) || fails(plan),
        configure: |_, _| {},
        habit: Habit::Leaks,
    },
    Fault {
        name: "per-replica-limits",
        summary: "every gateway takes the whole quota for its own",
        add: "`rate_limited_ratio` with a `max` in a scenario with `replicas`",
        shows: |plan| plan.replicas > 1 && limited(plan),
        configure: |plan, config| {
            for (belief, truth) in config.providers.iter_mut().zip(&plan.providers) {
                belief.limits = truth.limits.clone();
            }
        },
        habit: Habit::None,
    },
    Fault {
        name: "ignores-quota",
        summary: "sends whatever comes, and does not pause after a 429",
        add: "`rate_limited` with a `max` under load near the limits",
        shows: |plan| plan.engine.quota && limited(plan),
        configure: |_, config| config.quota = false,
        habit: Habit::None,
    },
    Fault {
        name: "retries-in-vain",
        summary: "tries again at once and without a budget",
        add: "`retries_per_request` with a `max` `during` an event in which everything fails",
        shows: |plan| plan.engine.retry.max_retries > 0 && fails(plan),
        configure: |_, config| {
            (config.retry.backoff, config.retry.max_backoff, config.retry.budget) = (Nanos::ZERO, Nanos::ZERO, None);
        },
        habit: Habit::None,
    },
];

fn weighted(plan: &Plan) -> bool {
    let mut weights = plan.engine.providers.iter().map(|provider| provider.weight);
    let first = weights.next().flatten();
    plan.engine.strategy.info().weighted && weights.any(|weight| weight != first)
}

fn limited(plan: &Plan) -> bool {
    plan.providers.iter().any(|provider| !provider.limits.is_unlimited())
}

fn fails(plan: &Plan) -> bool {
    plan.providers.iter().any(|provider| provider.error_rate > 0.0)
        || plan.events.iter().any(|event| {
            let set = &event.set;
            set.error_rate.is_some() || set.hang.is_some() || set.refuse_connections.is_some() || set.latency_factor.is_some()
        })
}

/// The largest becomes the smallest, and so on.
fn reverse_weights(config: &mut Config) {
    let mut order: Vec<usize> = (0..config.providers.len()).collect();
    order.sort_by(|a, b| config.providers[*a].weight.unwrap_or(1.0).total_cmp(&config.providers[*b].weight.unwrap_or(1.0)));
    let ascending: Vec<Option<f64>> = order.iter().map(|at| config.providers[*at].weight).collect();
    for (at, weight) in order.iter().rev().zip(ascending) {
        config.providers[*at].weight = weight;
    }
}
