//! The codes of diagnostics, and what each means.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    /// The stable word.
    pub code: &'static str,
    /// What it means and what to do, in a few sentences.
    pub explanation: &'static str,
}

/// What a code means; `None` if there is no such code.
pub fn explain(code: &str) -> Option<&'static CodeInfo> {
    CODES.iter().find(|info| info.code == code)
}

/// All codes: errors first, then warnings and notes, each in alphabetical order.
pub const CODES: &[CodeInfo] = &[
    info(
        "bad-distribution",
        "A law that does not exist: p99 below p50, a lower end above the upper one, no law at all. A distribution is a fixed value, `{ p50, p99 }`, `{ exponential }`, `{ uniform }`, `{ lognormal }`, `{ gamma }` or `{ mixture }`.",
    ),
    info("bad-duration", "A duration is a string with a number and a unit: \"250ms\", \"1.5s\", \"2m\". Units: ns, us, ms, s, m, h, d."),
    info(
        "bad-expect",
        "`--expect` takes METRIC(PROVIDER)[CLASS]@WINDOW OP VALUE, of which only metric, operator and value are needed: `share(alpha)=50%±1%`, `success_ratio>=99%`, `latency_p99(beta)@down<=2s`.",
    ),
    info("bad-rate", "A rate is a string with a number and a unit: \"100/s\", \"600/min\", \"5/h\"."),
    info("bad-ratio", "A ratio is a number from 0 to 1, or a string in percent: 0.995 or \"99.5%\"."),
    info(
        "bad-set",
        "`--set` takes KEY=VALUE: a dotted path with members of arrays by name (`provider.beta.weight=4`), and a value that is read as TOML, else as a plain string.",
    ),
    info(
        "bad-shares",
        "The shares of all [[load.class]] sum to 100 %, as do those of `replica_shares`. Give every class a share, or none: then all are equal.",
    ),
    info("conflict", "Two keys that exclude each other, or a key that goes with another one that is not there. Keep one of them."),
    info("duplicate-key", "A key may be given once in a table."),
    info("duplicate-name", "Providers, classes and events are referred to by name: each needs one of its own."),
    info("event-order", "An event or a span ends after it starts: it holds for at ≤ t < until."),
    info(
        "event-overlap",
        "Two events set the same field of one provider at the same time; which one holds would be a matter of taste. Let one end before the other starts.",
    ),
    info(
        "impossible-percentile",
        "A percentile that does not exist or is not kept. Distributions are given by p50 and p99; metrics have p50, p90, p95, p99 and p999.",
    ),
    info("io", "The scenario file cannot be read: it does not exist, is a folder, may not be read, or is not UTF-8 text."),
    info("lonely-group", "A quota group is shared by at least two providers."),
    info("min-above-max", "The smallest accepted value lies above the largest: nothing could pass."),
    info("missing-key", "A key without which the scenario means nothing."),
    info(
        "mixed-weights",
        "Some providers have a weight and others have none. What the others should get is a guess that gateways have made wrongly; give every provider one, or none.",
    ),
    info(
        "never-fits",
        "A request reserves its input and `max_tokens` against the limits of a provider before it is sent. A limit holds one period's worth at once: 60,000 tokens a minute enforced over 10 s hold 10,000, and a request that needs more is refused however long it waits.",
    ),
    info(
        "never-happens",
        "Something timed at or after the end of arrivals. Times count from the start of the run, warm-up included; arrivals end at warm-up + duration.",
    ),
    info("no-provider", "A scenario needs at least one [[provider]]."),
    info(
        "out-of-range",
        "A number that is too small, too large or not finite. Limits, rates, periods, slots and weights are above 0; nothing is above 1e9 per second.",
    ),
    info("schema-version", "The file says which version of the format it is written in. This version knows `schema = 1`."),
    info("stage-order", "Load stages are listed in order of time and do not overlap: each begins when the ramp before has ended."),
    info("syntax", "The file is not TOML at this place."),
    info(
        "trace",
        "The trace cannot be read. Known formats: Azure LLM CSV, Mooncake JSONL, and CSV with arrival_s,input_tokens,output_tokens[,session].",
    ),
    info(
        "unit-mismatch",
        "The value of an expectation has another unit than its metric: a duration for a ratio, a percentage for a latency.",
    ),
    info("unknown-class", "An expectation names a class that no [[load.class]] has."),
    info("unknown-event", "`during` names an event that does not exist; it is the name of an [[event]] or a span such as \"60s..120s\"."),
    info("unknown-key", "A key that this table does not have. Nothing is silently ignored."),
    info("unknown-metric", "An expectation names a metric that does not exist."),
    info("unknown-provider", "An event or an expectation names a provider that does not exist."),
    info("unknown-strategy", "No strategy has this name; `lbsim strategies` lists them."),
    info("unknown-value", "One of a few words was expected."),
    info("unsupported", "Part of the format, but not of this version."),
    info(
        "warmup-too-long",
        "The warm-up is at least as long as what is measured: `duration` is the measured part alone, so the two were probably mixed up.",
    ),
    info("wrong-type", "A value of another type than this key takes."),
    info("alias", "Another name of the strategy. Reports use the canonical one."),
    info("cannot-fail", "The expectation accepts every value its metric can have, and so proves nothing."),
    info("empty-window", "An expectation looks at a span of time in which no measured request arrives: it will have no data."),
    info("ignored-tokens", "The rows of a trace have sizes of their own, so that `tokens` changes nothing."),
    info(
        "ignored-estimate",
        "A percentile as `output_estimate` is what a pick reserves at providers that charge what an answer used. One that reserves `max_tokens` itself would refuse what does not fit with it.",
    ),
    info("ignored-weights", "The strategy does not look at weights."),
    info(
        "never-binds",
        "A limit that another one makes pointless, since that is always used up first, or a setting of limits where there are none.",
    ),
    info(
        "no-effect",
        "A setting that changes nothing, as what it belongs to is not there: a `period` without limits per minute, how to retry without `max_retries`. What is switched off is left in peace, so that it can be compared with itself switched on.",
    ),
    info(
        "no-sessions",
        "`consistent-hash` sends equal sessions to the same provider; without sessions it hashes the request id, which is a random choice.",
    ),
    info("overload", "More requests are offered than all limits together admit. This may be what the scenario is about."),
    info(
        "tight-tolerance",
        "Random strategies meet their shares only up to chance: √(p(1−p)/N) for a share p of N requests. A tolerance below three times that fails correct balancers.",
    ),
    info("unserved-model", "A class asks for a model that no provider lists: its requests cannot be served."),
];

const fn info(code: &'static str, explanation: &'static str) -> CodeInfo {
    CodeInfo { code, explanation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once() {
        for info in CODES {
            assert_eq!(CODES.iter().filter(|other| other.code == info.code).count(), 1, "{}", info.code);
            assert!(info.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", info.code);
        }
    }
}
