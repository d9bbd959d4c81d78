//! One text per rule of the format: what is wrong, where, and what is said about it.

use super::{Parts, brief, check, expect_errors};

fn head(head: &str) -> String {
    Parts { head, ..Parts::default() }.text()
}

fn load(load: &str) -> String {
    Parts { load, ..Parts::default() }.text()
}

fn balancer(balancer: &str) -> String {
    Parts { balancer, ..Parts::default() }.text()
}

fn provider(provider: &str) -> String {
    Parts { provider, ..Parts::default() }.text()
}

fn rest(rest: &str) -> String {
    Parts { rest, ..Parts::default() }.text()
}

/// A second provider, from line 11 on, and what follows.
fn second(lines: &str) -> String {
    rest(&format!("[[provider]]\nname = \"beta\"\n{lines}"))
}

#[test]
fn the_valid_text_the_corpus_varies_is_valid() {
    let loaded = check(&Parts::default().text()).expect("valid");
    assert_eq!(brief(&loaded.warnings), Vec::<String>::new());
}

#[test]
fn syntax() {
    // Lines: 1 schema, 2 name, 3 [load], 4 rate, 5 duration, 6 [balancer], 7 strategy, 8 [[provider]], 9 name, 10 latency.
    expect_errors(&[
        ("unquoted string", balancer("strategy = random"), "syntax 7:12", "did you mean `\"random\"`?"),
        ("no value", head("schema = 1\nname ="), "syntax 2:7", "a value is missing"),
        ("two equals signs", load("rate = = \"10/s\"\nduration = \"60s\""), "syntax 4:8", "extra `=`"),
        ("no equals sign", head("schema = 1\nname \"t\""), "syntax 2:6", "expected"),
        ("unclosed string", head("schema = 1\nname = \"t"), "syntax 2:10", "invalid basic string"),
        ("unclosed header", head("schema = 1\nname = \"t\"\n[slo"), "syntax 3:5", "unclosed table"),
        ("unclosed array", provider("latency = \"1s\"\nmodels = [\"a\",\nweight = 1"), "syntax 11:10", "expected `]` at its end"),
        ("unclosed inline table", provider("latency = { p50 = \"1s\",\nweight = 1"), "syntax 10:11", "expected `}` at its end"),
        ("unclosed text", balancer("strategy = \"\"\"random"), "syntax 7:12", "at its end"),
        ("duplicate key", balancer("strategy = \"random\"\nstrategy = \"random\""), "duplicate-key 8:1", "first given here"),
        ("duplicate table", rest("[load]\nwarmup = \"1s\""), "duplicate-key 11:2", "keep one"),
        ("duplicate table and key", rest("[load]\nrate = \"1/s\""), "duplicate-key 11:2", "keep one"),
        ("duplicate inline key", provider("latency = { p50 = \"1s\", p50 = \"1s\", p99 = \"2s\" }"), "duplicate-key 10:25", "`p50`"),
    ]);
}

#[test]
fn keys_and_types() {
    expect_errors(&[
        ("unknown key", balancer("strategy = \"random\"\nchoises = 2"), "unknown-key 8:1", "did you mean `choices`?"),
        ("unknown key, nothing near", rest("[slo]\nzzz = 1"), "unknown-key 12:1", "the keys are `ttft` and `latency`"),
        ("misplaced key", provider("latency = \"1s\"\nrpm = 60"), "unknown-key 11:1", "`rpm` belongs in `limits"),
        ("unknown table", rest("[banalcer]\nx = 1"), "unknown-key 11:2", "did you mean `balancer`?"),
        ("wrong type", balancer("strategy = 3"), "wrong-type 7:12", "found an integer"),
        ("table as value", rest("slo = 3").replace("slo = 3\n", "[[slo]]\n"), "wrong-type 11:1", "expected a table"),
        ("single brackets", Parts::default().text().replace("[[provider]]", "[provider]"), "wrong-type 8:1", "`[[provider]]`"),
        ("boolean", provider("latency = \"1s\"\nenabled = \"yes\""), "wrong-type 11:11", "`true` or `false`"),
        ("switch", balancer("strategy = \"random\"\nquota = \"offf\""), "unknown-value 8:9", "did you mean `off`?"),
        ("count as string", balancer("strategy = \"random\"\nreplicas = \"2\""), "wrong-type 8:12", "without quotes"),
        ("fraction for a count", balancer("strategy = \"random\"\nreplicas = 1.5"), "wrong-type 8:12", "whole number"),
        ("empty name", head("schema = 1\nname = \"\""), "out-of-range 2:8", "empty"),
        ("name of two lines", head("schema = 1\nname = \"a\\nb\""), "out-of-range 2:8", "one line"),
    ]);
}

#[test]
fn required_keys() {
    expect_errors(&[
        ("schema", head("name = \"t\""), "missing-key 1:1", "add `schema = 1`"),
        ("name", head("schema = 1"), "missing-key 1:1", "`name` is missing"),
        ("source", load("duration = \"60s\""), "missing-key 3:1", "exactly one source"),
        ("end", load("rate = \"10/s\""), "missing-key 3:1", "`requests = 100_000`"),
        ("strategy", balancer("choices = 2"), "missing-key 6:1", "`strategy` is missing in [balancer]"),
        ("service", provider("weight = 1"), "missing-key 8:1", "how long answers take"),
        ("itl", provider("ttft = \"1s\""), "missing-key 8:1", "`itl` is missing"),
        ("ttft", provider("itl = \"1s\""), "missing-key 8:1", "`ttft` is missing"),
        ("provider name", rest("[[provider]]\nlatency = \"1s\""), "missing-key 11:1", "`name` is missing in [[provider]]"),
        ("schema version", head("schema = 2\nname = \"t\""), "schema-version 1:10", "knows `schema = 1`"),
    ]);
    let found = check("").expect_err("an empty file");
    assert_eq!(brief(&found), ["missing-key 1:1", "missing-key 1:1", "missing-key 1:1", "missing-key 1:1", "no-provider 1:1"]);
    assert!(found.render(false, 92).contains("[[provider]]"));
}

#[test]
fn units() {
    expect_errors(&[
        ("duration, number", load("rate = \"10/s\"\nduration = 60"), "bad-duration 5:12", "write \"60s\" for seconds"),
        ("duration, no unit", load("rate = \"10/s\"\nduration = \"60\""), "bad-duration 5:12", "write \"60s\" for seconds"),
        ("duration, bad unit", load("rate = \"10/s\"\nduration = \"60x\""), "bad-duration 5:12", "the units are ns"),
        ("duration, words", load("rate = \"10/s\"\nduration = \"long\""), "bad-duration 5:12", "\"250ms\""),
        ("duration, zero", load("rate = \"10/s\"\nduration = \"0s\""), "out-of-range 5:12", "longer than zero"),
        ("rate, number", load("rate = 10\nduration = \"60s\""), "bad-rate 4:8", "write \"10/s\""),
        ("rate, no unit", load("rate = \"10\"\nduration = \"60s\""), "bad-rate 4:8", "write \"10/s\""),
        ("rate, bad unit", load("rate = \"10/minute\"\nduration = \"60s\""), "bad-rate 4:8", "did you mean `10/min`?"),
        ("rate, words", load("rate = \"fast\"\nduration = \"60s\""), "bad-rate 4:8", "a number per s, min or h"),
        ("rate, zero", load("rate = \"0/s\"\nduration = \"60s\""), "out-of-range 4:8", "greater than 0"),
        ("rate, negative", load("rate = \"-1/s\"\nduration = \"60s\""), "out-of-range 4:8", "negative"),
        ("rate, absurd", load("rate = \"1000000001/s\"\nduration = \"60s\""), "out-of-range 4:8", "absurd"),
        ("ratio, percent as number", provider("latency = \"1s\"\nerror_rate = 5"), "bad-ratio 11:14", "write \"5%\""),
        ("ratio, above", provider("latency = \"1s\"\nerror_rate = \"101%\""), "bad-ratio 11:14", "\"100%\""),
        ("ratio, negative", provider("latency = \"1s\"\nerror_rate = -0.1"), "bad-ratio 11:14", "between 0 and 1"),
        ("ratio, words", provider("latency = \"1s\"\nerror_rate = \"few\""), "bad-ratio 11:14", "99.5%"),
        ("ratio, nan", provider("latency = \"1s\"\nerror_rate = nan"), "bad-ratio 11:14", "between 0 and 1"),
    ]);
}

#[test]
fn distributions() {
    let latency = |dist: &str| provider(&format!("latency = {dist}"));
    expect_errors(&[
        ("p99 < p50", latency("{ p50 = \"2s\", p99 = \"1s\" }"), "bad-distribution 10:25", "p99 is below p50"),
        ("p50 = 0", latency("{ p50 = \"0s\", p99 = \"1s\" }"), "bad-distribution 10:13", "median of 0"),
        ("no p99", latency("{ p50 = \"2s\" }"), "missing-key 10:11", "`p99` is missing"),
        ("p100", latency("{ p50 = \"1s\", p99 = \"2s\", p100 = \"3s\" }"), "impossible-percentile 10:37", "`p50` and `p99`"),
        ("two laws", latency("{ p50 = \"1s\", p99 = \"2s\", exponential = \"1s\" }"), "conflict 10:11", "more than one law"),
        ("no law", latency("{}"), "bad-distribution 10:11", "one of"),
        ("ends", latency("{ uniform = [\"2s\", \"1s\"] }"), "bad-distribution 10:23", "above the upper end"),
        ("one end", latency("{ uniform = [\"2s\"] }"), "bad-distribution 10:23", "two ends"),
        ("negative cv", latency("{ gamma = { mean = \"1s\", cv = -1 } }"), "out-of-range 10:41", "0 to 1_000_000"),
        ("mixture weight", latency("{ mixture = [{ weight = 0, value = \"1s\" }] }"), "out-of-range 10:35", "greater than 0"),
        ("empty mixture", latency("{ mixture = [] }"), "out-of-range 10:23", "empty"),
        ("slow alone", latency("{ exponential = \"1s\", slow = { share = \"2%\", factor = 6 } }"), "conflict 10:33", "goes with `p50`"),
        ("token duration", load("rate = \"1/s\"\nduration = \"9s\"\ntokens = { input = \"1s\" }"), "wrong-type 6:20", "a number"),
        ("negative tokens", load("rate = \"1/s\"\nduration = \"9s\"\ntokens = { input = -1 }"), "out-of-range 6:20", "0 to"),
    ]);
}

#[test]
fn load_rules() {
    let more = |line: &str| load(&format!("rate = \"10/s\"\nduration = \"60s\"\n{line}"));
    expect_errors(&[
        ("two sources", more("users = 5"), "conflict 6:1", "two load sources: `rate` and `users`"),
        ("two ends", more("requests = 5"), "conflict 6:1", "keep one of them"),
        ("warm-up", more("warmup = \"60s\""), "warmup-too-long 6:1", "the measured part"),
        ("think time of an open loop", more("think_time = \"1s\""), "conflict 6:1", "goes with `users`"),
        ("speed of an open loop", more("speed = 2"), "conflict 6:1", "goes with `trace`"),
        ("arrival of a closed loop", load("users = 5\nrequests = 5\narrival = \"poisson\""), "conflict 6:1", "goes with `rate`"),
        ("arrival law", more("arrival = \"poison\""), "unknown-value 6:11", "did you mean `poisson`?"),
        ("burstiness", more("burstiness = 2"), "conflict 6:1", "gamma"),
        ("no burstiness", more("arrival = \"gamma\""), "missing-key 6:1", "burstiness = 0.5"),
        ("no users", load("users = 0\nrequests = 5"), "out-of-range 4:9", "1 to"),
        ("no requests", load("rate = \"1/s\"\nrequests = 0"), "out-of-range 5:12", "1 to"),
        (
            "stage order",
            more("[[load.stage]]\nat = \"9s\"\nover = \"9s\"\nrate = \"5/s\"\n[[load.stage]]\nat = \"10s\"\nrate = \"0/s\""),
            "stage-order 11:1",
            "the stage above",
        ),
        ("stage too late", more("[[load.stage]]\nat = \"60s\"\nrate = \"5/s\""), "never-happens 7:6", "arrivals end at 1m"),
        ("burst too late", more("[[load.burst]]\nat = \"61s\"\ncount = 5"), "never-happens 7:6", "arrivals end at 1m"),
        ("burst of nothing", more("[[load.burst]]\nat = \"1s\"\ncount = 0"), "out-of-range 8:9", "1 to"),
        ("absurd burst", more("[[load.burst]]\nat = \"1s\"\ncount = 10\nevery = \"1ns\""), "out-of-range 9:1", "absurd"),
        ("class twice", more("[[load.class]]\nname = \"a\"\n[[load.class]]\nname = \"a\""), "duplicate-name 9:8", "first use"),
        ("some shares", more("[[load.class]]\nname = \"a\"\nshare = 0.5\n[[load.class]]\nname = \"b\""), "bad-shares 9:1", "or none"),
        (
            "shares",
            more("[[load.class]]\nname = \"a\"\nshare = 0.5\n[[load.class]]\nname = \"b\"\nshare = 0.4"),
            "bad-shares 8:1",
            "sum to 90",
        ),
        ("no session", more("sessions = { count = 0 }"), "out-of-range 6:22", "1 to"),
    ]);
}

#[test]
fn balancer_rules() {
    let more = |line: &str| balancer(&format!("strategy = \"random\"\n{line}"));
    expect_errors(&[
        ("strategy", balancer("strategy = \"weighted-roundrobin\""), "unknown-strategy 7:12", "did you mean `weighted-round-robin`?"),
        ("no such strategy", balancer("strategy = \"zzz\""), "unknown-strategy 7:12", "the strategies are `round-robin`"),
        ("compare", more("compare = [\"random\", \"p3c\"]"), "unknown-strategy 8:22", "did you mean `p2c`?"),
        ("replicas", more("replicas = 65"), "out-of-range 8:12", "1 to 64"),
        ("shares", more("replicas = 3\nreplica_shares = [0.5, 0.5]"), "conflict 9:18", "2 shares, but `replicas` is 3"),
        ("sum of shares", more("replicas = 2\nreplica_shares = [\"50%\", \"40%\"]"), "bad-shares 9:18", "90.0000 %"),
        ("sync of one", more("sync = { interval = \"1s\" }"), "conflict 8:8", "`replicas = 2` or more"),
        ("sync without end", more("replicas = 2\nsync = {}"), "missing-key 9:8", "`interval` is missing"),
        (
            "way to share",
            more("replicas = 2\nsync = { interval = \"1s\", quota = \"devided\" }"),
            "unknown-value 9:35",
            "did you mean `divided`?",
        ),
        ("percentile", more("output_estimate = \"p100\""), "unknown-value 8:19", "from \"p50\" to \"p99\""),
        ("low percentile", more("output_estimate = \"p10\""), "unknown-value 8:19", "from \"p50\" to \"p99\""),
        ("estimate", more("output_estimate = \"max_tokens\""), "unknown-value 8:19", "did you mean `max-tokens`?"),
        ("estimate in numbers", more("output_estimate = 0.9"), "wrong-type 8:19", "such as \"p90\""),
        ("retries", more("retry = { max_retries = 1001 }"), "out-of-range 8:25", "0 to 1_000"),
        ("backoff", more("retry = { max_retries = 1, backoff = \"2s\", max_backoff = \"1s\" }"), "min-above-max 8:44", "below `backoff`"),
        ("hedge", more("hedge = { budget = \"5%\" }"), "missing-key 8:9", "`after` is missing"),
        (
            "ejection time",
            more("outlier_detection = { base_ejection_time = \"9s\", max_ejection_time = \"1s\" }"),
            "min-above-max 8:50",
            "below",
        ),
        ("error ratio", more("outlier_detection = { error_ratio = 0 }"), "out-of-range 8:37", "eject every provider"),
        ("timeout", more("timeout = \"0s\""), "out-of-range 8:11", "longer than zero"),
        ("clock", head("schema = 1\nname = \"t\"\nclock = \"reel\""), "unknown-value 3:9", "did you mean `real`?"),
        ("negative seed", head("schema = 1\nname = \"t\"\nseed = -1"), "out-of-range 3:8", "0 to"),
    ]);
}

#[test]
fn provider_rules() {
    let more = |line: &str| provider(&format!("latency = \"1s\"\n{line}"));
    expect_errors(&[
        (
            "no provider",
            "schema = 1\nname = \"t\"\n[load]\nrate = \"1/s\"\nrequests = 1\n[balancer]\nstrategy = \"random\"".to_owned(),
            "no-provider 1:1",
            "add at least one",
        ),
        (
            "empty list of providers",
            "schema = 1\nname = \"t\"\nprovider = []\n[load]\nrate = \"1/s\"\nrequests = 1\n[balancer]\nstrategy = \"random\"".to_owned(),
            "no-provider 1:1",
            "add at least one",
        ),
        ("duplicate name", second("latency = \"1s\"").replace("beta", "alpha"), "duplicate-name 12:8", "first use"),
        ("weight 0", more("weight = 0"), "out-of-range 11:10", "greater than 0"),
        ("weight < 0", more("weight = -2.5"), "out-of-range 11:10", "greater than 0"),
        ("weight inf", more("weight = inf"), "out-of-range 11:10", "finite"),
        ("mixed weights", second("latency = \"1s\"\nweight = 2"), "mixed-weights 8:1", "every provider a weight, or none"),
        ("latency and ttft", more("ttft = \"1s\"\nitl = \"1ms\""), "conflict 11:1", "keep one of the two forms"),
        ("rpm", more("limits = { rpm = 0 }"), "out-of-range 11:18", "greater than 0"),
        ("tpm inf", more("limits = { tpm = inf }"), "out-of-range 11:18", "finite"),
        ("rpm absurd", more("limits = { rpm = 60_000_000_001 }"), "out-of-range 11:18", "larger than 60_000_000_000"),
        ("concurrency", more("limits = { max_concurrency = 0 }"), "out-of-range 11:30", "1 to"),
        ("period", more("limits = { rpm = 1, period = \"0s\" }"), "out-of-range 11:30", "longer than zero"),
        ("endless period", more("limits = { rpm = 1, period = \"400d\" }"), "out-of-range 11:30", "longer than 366 days"),
        ("half a burst", more("limits = { rpm = 1, burst = 0.5 }"), "out-of-range 11:29", "less than one request"),
        ("tiny limit", more("limits = { rpm = 1e-9 }"), "out-of-range 11:18", "at least 0.00001"),
        ("algorithm", more("limits = { rpm = 1, algorithm = \"tokenbucket\" }"), "unknown-value 11:33", "did you mean `token-bucket`?"),
        ("burst of a window", more("limits = { rpm = 1, burst = 2, algorithm = \"fixed-window\" }"), "conflict 11:21", "windows have none"),
        ("slots", more("capacity = { slots = 0 }"), "out-of-range 11:22", "1 to"),
        ("no slots", more("capacity = { queue = 5 }"), "missing-key 11:12", "`slots` is missing"),
        ("queue word", more("capacity = { slots = 1, queue = \"unbound\" }"), "unknown-value 11:33", "did you mean `unbounded`?"),
        ("status", more("error_status = 200"), "out-of-range 11:16", "400 to 599"),
        (
            "declared and unseen",
            more("visibility = \"none\"\nlimits = { rpm = 6 }\ndeclared = { rpm = 6 }"),
            "conflict 13:1",
            "in place of the true limits",
        ),
        ("visibility", more("visibility = \"header\""), "unknown-value 11:14", "did you mean `headers`?"),
        ("shape", more("shape = \"openia\""), "unknown-value 11:9", "did you mean `openai`?"),
        ("cost", more("cost = { input = -1, output = 1 }"), "out-of-range 11:18", "0 to"),
        ("background", more("background = \"0/s\""), "out-of-range 11:14", "greater than 0"),
        ("lonely group", more("limits = { rpm = 1 }\nquota_group = \"g\""), "lonely-group 12:1", "one member"),
        (
            "group without limits",
            provider("latency = \"1s\"\nquota_group = \"g\"\n[[provider]]\nname = \"b\"\nlatency = \"1s\"\nquota_group = \"g\""),
            "missing-key 11:1",
            "states its limits",
        ),
        (
            "group with two limits",
            provider(
                "latency = \"1s\"\nquota_group = \"g\"\nlimits = { rpm = 1 }\n[[provider]]\nname = \"b\"\nlatency = \"1s\"\nquota_group = \"g\"\nlimits = { rpm = 2 }",
            ),
            "conflict 17:1",
            "stated here",
        ),
        (
            "group seen in two ways",
            provider(
                "latency = \"1s\"\nquota_group = \"g\"\nlimits = { rpm = 1 }\nvisibility = \"headers\"\n[[provider]]\nname = \"b\"\nlatency = \"1s\"\nquota_group = \"g\"\nvisibility = \"none\"",
            ),
            "conflict 18:1",
            "stated here",
        ),
        ("url", more("url = \"https://x\""), "unsupported 11:1", "not supported yet"),
        ("key", more("api_key_env = \"X\""), "unsupported 11:1", "not supported yet"),
        ("unknown profile", provider("profile = \"openai-teir3\""), "unknown-value 10:11", "did you mean `openai-tier3`?"),
        ("no such profile", provider("profile = \"x\""), "unknown-value 10:11", "`cold-start` and `ideal`"),
        ("profile twice over", provider("profile = \"ideal\"\nlatency = \"1s\"\nitl = \"1ms\""), "conflict 12:1", "the whole answer"),
        ("depth of nothing", more("limits = { tpm = 1, burst = 5 }"), "conflict 11:21", "goes with `rpm` or `rpd`"),
        ("slice of nothing", more("limits = { tpm = 1, request_period = \"1s\" }"), "conflict 11:21", "goes with `rpm`"),
        ("no slice", more("limits = { rpm = 1, request_period = \"0s\" }"), "out-of-range 11:38", "longer than zero"),
        (
            "input without a median",
            provider("itl = \"1ms\"\nttft = { uniform = [\"1s\", \"2s\"], per_1k_input = \"1ms\" }"),
            "conflict 11:34",
            "goes with `p50`",
        ),
        (
            "input in proportion to 0",
            provider("itl = \"1ms\"\nttft = { p50 = \"0s\", p99 = \"0s\", per_1k_input = \"1ms\" }"),
            "bad-distribution 11:10",
            "cannot grow",
        ),
        (
            "input of the whole answer",
            provider("latency = { p50 = \"1s\", p99 = \"2s\", per_1k_input = \"1ms\" }"),
            "unknown-key 10:37",
            "belongs in `ttft",
        ),
        ("empty models", more("models = []"), "out-of-range 11:10", "leave the key out"),
    ]);
}

#[test]
fn event_rules() {
    // The event begins on line 11.
    let event = |lines: &str| rest(&format!("[[event]]\n{lines}"));
    let set = "set = { error_rate = 1.0 }";
    let twice = |b: &str| event(&format!("provider = \"alpha\"\nat = \"1s\"\nuntil = \"9s\"\n{set}\n[[event]]\nprovider = \"alpha\"\n{b}"));
    expect_errors(&[
        ("provider", event(&format!("provider = \"alhpa\"\nat = \"1s\"\n{set}")), "unknown-provider 12:12", "did you mean `alpha`?"),
        (
            "before its start",
            event(&format!("provider = \"alpha\"\nat = \"9s\"\nuntil = \"9s\"\n{set}")),
            "event-order 14:9",
            "ends before it starts",
        ),
        ("never", event(&format!("provider = \"alpha\"\nat = \"60s\"\n{set}")), "never-happens 13:6", "arrivals end at 1m"),
        ("nothing", event("provider = \"alpha\"\nat = \"1s\"\nset = {}"), "missing-key 14:7", "changes nothing"),
        ("no set", event("provider = \"alpha\"\nat = \"1s\""), "missing-key 11:1", "`set` is missing"),
        (
            "factor of a part of a whole",
            event("provider = \"alpha\"\nat = \"1s\"\nset = { itl_factor = 2 }"),
            "conflict 14:9",
            "use `latency_factor`",
        ),
        ("hint", event("provider = \"alpha\"\nat = \"1s\"\nset = { retry_after = \"of\" }"), "bad-duration 14:23", ""),
        ("unknown field", event("provider = \"alpha\"\nat = \"1s\"\nset = { hangs = true }"), "unknown-key 14:9", "did you mean `hang`?"),
        ("overlap", twice("at = \"8s\"\nset = { error_rate = \"5%\", hang = true }"), "event-overlap 19:9", "set here"),
        ("overlap without end", twice("at = \"0s\"\nset = { error_rate = \"5%\" }"), "event-overlap 19:9", "let one end"),
        (
            "same name",
            event(&format!(
                "name = \"x\"\nprovider = \"alpha\"\nat = \"1s\"\nuntil = \"2s\"\n{set}\n[[event]]\nname = \"x\"\nprovider = \"alpha\"\nat = \"2s\"\n{set}"
            )),
            "duplicate-name 18:8",
            "first use",
        ),
    ]);
    // Half-open: one may begin when the other ends; other fields may overlap.
    assert!(check(&twice(&format!("at = \"9s\"\n{set}"))).is_ok());
    assert!(check(&twice("at = \"2s\"\nset = { hang = true }")).is_ok());
}

#[test]
fn expectation_rules() {
    // The expectation begins on line 11.
    let expect = |lines: &str| rest(&format!("[[expect]]\n{lines}"));
    expect_errors(&[
        ("metric", expect("metric = \"succes_ratio\"\nmin = 0.5"), "unknown-metric 12:10", "did you mean `success_ratio`?"),
        ("no such metric", expect("metric = \"zzz\"\nmin = 0.5"), "unknown-metric 12:10", "the metrics are `share`"),
        ("percentile", expect("metric = \"latency_p98\"\nmax = \"1s\""), "impossible-percentile 12:10", "`latency_p99`"),
        ("needs a provider", expect("metric = \"share\"\ntarget = 0.5\ntolerance = 0.1"), "missing-key 11:1", "add `provider = \"alpha\"`"),
        ("provider", expect("metric = \"failed\"\nprovider = \"alpa\"\nmax = 1"), "unknown-provider 13:12", "did you mean `alpha`?"),
        ("event", expect("metric = \"failed\"\nduring = \"down\"\nmax = 1"), "unknown-event 13:10", "no event with a name"),
        ("span", expect("metric = \"failed\"\nduring = \"60s..30s\"\nmax = 1"), "event-order 13:10", "ends before it starts"),
        ("span unit", expect("metric = \"failed\"\nduring = \"30..60s\"\nmax = 1"), "bad-duration 13:10", "\"60s..120s\""),
        ("class", expect("metric = \"failed\"\nclass = \"x\"\nmax = 1"), "unknown-class 13:9", "no class with a name"),
        ("nothing wanted", expect("metric = \"failed\""), "missing-key 11:1", "or `min`, or `max`"),
        ("no tolerance", expect("metric = \"failed\"\ntarget = 1"), "missing-key 11:1", "`tolerance` is missing"),
        ("no target", expect("metric = \"failed\"\ntolerance = 1"), "missing-key 11:1", "`target` is missing"),
        ("target and min", expect("metric = \"failed\"\ntarget = 1\ntolerance = 1\nmin = 1"), "conflict 15:1", "keep"),
        ("min > max", expect("metric = \"failed\"\nmin = 2\nmax = 1"), "min-above-max 14:1", "`min` is above `max`"),
        ("duration for a ratio", expect("metric = \"success_ratio\"\nmin = \"1s\""), "unit-mismatch 13:7", "is a ratio"),
        ("percent for a count", expect("metric = \"failed\"\nmax = \"1%\""), "unit-mismatch 13:7", "a plain number"),
        ("percent for a duration", expect("metric = \"latency_p99\"\nmax = \"1%\""), "unit-mismatch 13:7", "is a duration"),
        ("number for a duration", expect("metric = \"latency_p99\"\nmax = 250"), "bad-duration 13:7", "\"250ms\""),
        ("ratio above 1", expect("metric = \"success_ratio\"\nmin = 99.5"), "bad-ratio 13:7", "write \"99.5%\""),
    ]);
}

#[test]
fn too_many_providers() {
    let many: String = (0..1_024).map(|n| format!("[[provider]]\nname = \"p{n}\"\nlatency = \"1s\"\n")).collect();
    // With the provider on line 8 these are 1,025, three lines each.
    let found = check(&rest(&many)).expect_err("one too many");
    assert_eq!(brief(&found), [format!("out-of-range {}:1", 8 + 1_024 * 3)]);
}

/// Six different mistakes give six findings, in the order of the text, and none of them causes another.
#[test]
fn all_mistakes_in_one_pass() {
    let text = "schema = 2\nname = \"t\"\n[load]\nrate = 100\nduration = \"60s\"\nwarmup = \"90s\"\n[balancer]\nstrategy = \"randm\"\n\
                [[provider]]\nname = \"a\"\nlatency = { p50 = \"2s\", p99 = \"1s\" }\nlimits = { rpn = 5 }\n";
    let found = check(text).expect_err("six mistakes");
    let wanted = [
        "schema-version 1:10",
        "bad-rate 4:8",
        "warmup-too-long 6:1",
        "unknown-strategy 8:12",
        "bad-distribution 11:25",
        "unknown-key 12:12",
    ];
    assert_eq!(brief(&found), wanted, "{}", found.render(false, 92));
}

/// A syntax error does not hide the other mistakes, and what it swallowed is not called missing.
#[test]
fn syntax_errors_and_others_together() {
    let text = "schema = 1\nname \"t\"\n[load]\nrate = \"5/s\"\nduration = 60\n[balancer]\nstrategy = random\n[[provider]]\nname = \"a\"\nlatency = \"1s\"\n";
    let found = check(text).expect_err("three mistakes");
    assert_eq!(brief(&found), ["syntax 2:6", "bad-duration 5:12", "syntax 7:12"], "{}", found.render(false, 92));
}
