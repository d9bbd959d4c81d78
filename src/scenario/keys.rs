//! The valid keys of every table of a scenario file.

pub(super) const ROOT: &[&str] =
    &["schema", "name", "description", "seed", "clock", "load", "balancer", "provider", "event", "slo", "expect"];

pub(super) const LOAD: &[&str] = &[
    "arrival",
    "burstiness",
    "rate",
    "users",
    "think_time",
    "trace",
    "speed",
    "duration",
    "requests",
    "warmup",
    "tokens",
    "max_tokens",
    "timeout",
    "sessions",
    "class",
    "stage",
    "burst",
];
pub(super) const TOKENS: &[&str] = &["input", "output"];
pub(super) const SESSIONS: &[&str] = &["count", "skew"];
pub(super) const CLASS: &[&str] =
    &["name", "model", "share", "priority", "deadline", "cancel", "tokens", "max_tokens", "timeout", "poison", "poison_status"];
pub(super) const STAGE: &[&str] = &["at", "over", "rate"];
pub(super) const BURST: &[&str] = &["at", "count", "every"];

pub(super) const BALANCER: &[&str] = &[
    "strategy",
    "choices",
    "quota",
    "output_estimate",
    "health",
    "compare",
    "replicas",
    "replica_shares",
    "sync",
    "timeout",
    "queue",
    "retry",
    "hedge",
    "outlier_detection",
    "health_check",
];
pub(super) const SYNC: &[&str] = &["interval", "quota"];
pub(super) const QUEUE: &[&str] = &["max_wait", "max_length"];
pub(super) const RETRY: &[&str] = &["max_retries", "backoff", "max_backoff", "budget", "honor_retry_after"];
pub(super) const HEDGE: &[&str] = &["after", "budget"];
pub(super) const OUTLIER_DETECTION: &[&str] = &[
    "consecutive_errors",
    "error_ratio",
    "window",
    "min_requests",
    "base_ejection_time",
    "max_ejection_time",
    "max_ejection_percent",
    "slow_start",
];
pub(super) const HEALTH_CHECK: &[&str] = &["interval", "timeout", "unhealthy_threshold", "healthy_threshold"];

pub(super) const PROVIDER: &[&str] = &[
    "name",
    "weight",
    "priority",
    "models",
    "enabled",
    "latency",
    "ttft",
    "itl",
    "error_rate",
    "error_status",
    "error_latency",
    "capacity",
    "limits",
    "declared",
    "visibility",
    "cost",
    "background",
    "profile",
    "shape",
    "quota_group",
    "url",
    "api_key_env",
];
pub(super) const CAPACITY: &[&str] = &["slots", "queue"];
pub(super) const LIMITS: &[&str] = &[
    "rpm",
    "rpd",
    "tpm",
    "itpm",
    "otpm",
    "tpd",
    "ramp",
    "max_concurrency",
    "algorithm",
    "period",
    "request_period",
    "burst",
    "charge",
    "count_refused",
];
pub(super) const COST: &[&str] = &["input", "output"];

pub(super) const EVENT: &[&str] = &["name", "provider", "at", "until", "set"];
pub(super) const SET: &[&str] = &[
    "error_rate",
    "error_status",
    "error_latency",
    "latency_factor",
    "ttft_factor",
    "itl_factor",
    "hang",
    "stall",
    "refuse_connections",
    "retry_after",
    "limits",
    "enabled",
];

pub(super) const SLO: &[&str] = &["ttft", "latency"];
pub(super) const EXPECT: &[&str] = &["metric", "provider", "during", "class", "target", "tolerance", "min", "max"];

pub(super) const DIST: &[&str] = &["p50", "p99", "slow", "exponential", "uniform", "lognormal", "gamma", "mixture"];
/// A distribution of times to first token may grow with the input.
pub(super) const TTFT: &[&str] = &["p50", "p99", "slow", "per_1k_input", "exponential", "uniform", "lognormal", "gamma", "mixture"];
pub(super) const MEAN_CV: &[&str] = &["mean", "cv"];
pub(super) const MIXTURE: &[&str] = &["weight", "value"];
pub(super) const SLOW: &[&str] = &["share", "factor"];

/// Tables in which a misplaced key is looked up, most likely first.
const HOMES: [(&str, &[&str]); 16] = [
    ("`limits = { … }` of a provider", LIMITS),
    ("`capacity = { … }` of a provider", CAPACITY),
    ("`retry = { … }` of [balancer]", RETRY),
    ("`queue = { … }` of [balancer]", QUEUE),
    ("[balancer]", BALANCER),
    ("[load]", LOAD),
    ("[[provider]]", PROVIDER),
    ("`outlier_detection = { … }` of [balancer]", OUTLIER_DETECTION),
    ("`health_check = { … }` of [balancer]", HEALTH_CHECK),
    ("[[load.class]]", CLASS),
    ("`set = { … }` of an [[event]]", SET),
    ("[[event]]", EVENT),
    ("[[expect]]", EXPECT),
    ("a distribution", DIST),
    ("`ttft = { … }` of a provider", TTFT),
    ("the top of the file", ROOT),
];

/// The table in which `key` is valid.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    HOMES.iter().find(|(_, keys)| keys.contains(&key)).map(|(home, _)| *home)
}
