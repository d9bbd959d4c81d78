//! The sole user of declared limits, in random worlds: whatever else goes wrong, nothing is refused for the rate.

use std::fmt::Write;

use lbsim::rng::{Draws, Stream};

use crate::pool::refusals;

/// Worlds in one test run; `QUOTA_WORLDS` draws more, `QUOTA_WORLD` one alone.
const WORLDS: u64 = 500;

/// Providers with up to nine limits of all algorithms, some in a quota group, that charge estimates or what is used, are slow, fail, hang,
/// stall, refuse connections and overflow; clients that leave, requests that fail everywhere, time-outs, retries and hedges. What an answer
/// uses is within `max_tokens`; a provider that charges it at once can be overdrawn by longer ones.
#[test]
fn nothing_is_refused() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let worlds = number("QUOTA_WORLD").map_or(0..number("QUOTA_WORLDS").unwrap_or(WORLDS), |seed| seed..seed + 1);
    let (mut attempts, mut missed) = (0, String::new());
    for seed in worlds {
        let text = world(&mut Draws::new(seed, Stream::Probe, 0), seed);
        let (refused, sent) = refusals(&text);
        attempts += sent;
        if refused > 0 {
            let _ = writeln!(missed, "world {seed}: {refused} of {sent} refused\n{text}");
        }
    }
    println!("{attempts} attempts");
    assert!(missed.is_empty(), "{missed}");
}

fn pick<'a>(draws: &mut Draws, values: &[&'a str]) -> &'a str {
    values[draws.below(values.len() as u64) as usize]
}

fn world(draws: &mut Draws, seed: u64) -> String {
    let mut text = format!("schema = 1\nname = 'sole'\nseed = {seed}\n[load]\nduration = '300s'\n");
    let rate = pick(draws, &["6/min", "1/s", "5/s", "20/s"]);
    let arrival = pick(draws, &["poisson", "constant", "gamma"]);
    let _ = writeln!(text, "rate = '{rate}'\narrival = '{arrival}'{}", if arrival == "gamma" { "\nburstiness = 0.1" } else { "" });
    let _ = writeln!(text, "max_tokens = {}", pick(draws, &["1_000", "300", "4_096"]));
    let sizes = ["{ input = 400, output = { p50 = 150, p99 = 568 } }", "{ input = { exponential = 300 }, output = { exponential = 250 } }"];
    let _ = writeln!(text, "tokens = {}", pick(draws, &sizes));
    if draws.chance(0.3) {
        let _ = writeln!(text, "burst = [{{ at = '59s', count = 40, every = '60s' }}]");
    }
    if draws.chance(0.3) {
        let _ = writeln!(text, "[[load.class]]\nname = 'a'\nshare = '100%'\ncancel = '20%'\npoison = '5%'\ndeadline = '20s'");
    }
    let strategy = pick(draws, &["rate-limit-aware", "power-of-two", "round-robin", "least-connections", "lowest-latency", "random"]);
    let _ = writeln!(
        text,
        "[balancer]\nstrategy = '{strategy}'\nqueue = {{ max_wait = '{}', max_length = 500 }}",
        pick(draws, &["0s", "5s", "90s"])
    );
    let _ = writeln!(text, "timeout = '{}'", pick(draws, &["60s", "5s", "1s"]));
    if draws.chance(0.5) {
        let _ = writeln!(text, "retry = {{ max_retries = 2, budget = 'off' }}");
    }
    if draws.chance(0.3) {
        let _ = writeln!(text, "hedge = {{ after = '1s', budget = '50%' }}");
    }
    if draws.chance(0.5) {
        let _ = writeln!(text, "health = 'off'");
    }
    let grouped = draws.chance(0.2);
    let mut events = String::new();
    for index in 0..1 + u64::from(grouped) + draws.below(2) {
        provider(draws, &mut text, index, grouped);
        if draws.chance(0.4) {
            let what = pick(draws, &["hang = true", "stall = true", "refuse_connections = true", "error_rate = 1.0, error_status = 500"]);
            let _ = writeln!(events, "[[event]]\nprovider = 'p{index}'\nat = '100s'\nuntil = '130s'\nset = {{ {what} }}");
        }
    }
    text + &events
}

fn provider(draws: &mut Draws, text: &mut String, index: u64, grouped: bool) {
    let _ = writeln!(text, "[[provider]]\nname = 'p{index}'");
    let latency = pick(draws, &LATENCIES);
    let _ = writeln!(text, "{latency}");
    if !grouped || index == 0 {
        let _ = writeln!(text, "limits = {{ {} }}", limits(draws));
    }
    if grouped {
        let _ = writeln!(text, "quota_group = 'shared'");
    }
    if draws.chance(0.3) {
        let _ = writeln!(text, "error_rate = '20%'");
    }
    if draws.chance(0.3) {
        let _ = writeln!(text, "error_latency = '{}'", pick(draws, &["0s", "700ms"]));
    }
    if draws.chance(0.3) {
        let _ = writeln!(text, "capacity = {{ slots = {}, queue = {} }}", 1 + draws.below(8), pick(draws, &["0", "3", "'unbounded'"]));
    }
}

fn limits(draws: &mut Draws) -> String {
    let algorithm = pick(draws, &["token-bucket", "token-bucket", "fixed-window", "sliding-window"]);
    let mut limits = format!("algorithm = '{algorithm}'");
    let mut maybe = |chance: f64, key: &str, values: &[&str]| {
        if draws.chance(chance) {
            let _ = write!(limits, ", {key} = {}", pick(draws, values));
        }
    };
    maybe(0.5, "rpm", &REQUESTS);
    maybe(0.1, "rpd", &["40", "1_000"]);
    maybe(0.6, "tpm", &["34_800", "10_000", "5_000", "200_000"]);
    maybe(0.2, "itpm", &["10_000", "30_000.5"]);
    maybe(0.3, "otpm", &["5_000", "20_000"]);
    maybe(0.1, "tpd", &["50_000", "1_000_000"]);
    maybe(0.1, "ramp", &["'1/s'", "'3/s'"]);
    maybe(0.3, "max_concurrency", &["1", "3", "20"]);
    maybe(0.4, "period", &["'1s'", "'10s'", "'7s'", "'90s'"]);
    maybe(0.6, "charge", &["'actual'"]);
    maybe(0.2, "count_refused", &["true"]);
    if algorithm == "token-bucket" {
        limits
    } else {
        limits.replace(", burst = 2.5", "").replace(", burst = 10", "").replace(", burst = 1", "")
    }
}

const LATENCIES: [&str; 4] = [
    "latency = { p50 = '1s', p99 = '3s' }",
    "latency = { p50 = '1s', p99 = '60s' }",
    "latency = '20s'",
    "ttft = { exponential = '1s' }\nitl = '30ms'",
];

/// Requests a minute, some in buckets of another depth or in slices of their own.
const REQUESTS: [&str; 11] = [
    "1",
    "2",
    "6",
    "60",
    "100.5",
    "600",
    "60, burst = 1",
    "60, burst = 2.5",
    "90, burst = 10",
    "60, request_period = '1s'",
    "60, request_period = '10s'",
];
