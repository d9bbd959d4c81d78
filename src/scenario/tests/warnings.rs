//! What is valid but hardly meant.

use super::{Parts, brief, check};
use crate::scenario::Severity;

fn warnings(parts: Parts<'_>) -> Vec<String> {
    match check(&parts.text()) {
        Ok(loaded) => {
            assert!(loaded.warnings.iter().all(|warning| super::super::code::explain(warning.code).is_some()));
            brief(&loaded.warnings)
        }
        Err(found) => panic!("{}", found.render(false, 92)),
    }
}

const NONE: [&str; 0] = [];

#[test]
fn weights_the_strategy_ignores() {
    let two = |strategy, b| warnings(Parts { balancer: strategy, provider: "latency = \"1s\"\nweight = 2", rest: b, ..Parts::default() });
    let other = "[[provider]]\nname = \"b\"\nlatency = \"1s\"\nweight = 1";
    assert_eq!(two("strategy = \"random\"", other), ["ignored-weights 11:1"]);
    assert_eq!(two("strategy = \"weighted-random\"", other), NONE);
    // Equal weights are what an unweighted strategy does.
    assert_eq!(two("strategy = \"random\"", &other.replace("weight = 1", "weight = 2")), NONE);
}

#[test]
fn consistent_hash_without_sessions() {
    let balancer = "strategy = \"consistent-hash\"";
    assert_eq!(warnings(Parts { balancer, ..Parts::default() }), ["no-sessions 7:12"]);
    let load = "rate = \"1/s\"\nrequests = 5\nsessions = { count = 5 }";
    assert_eq!(warnings(Parts { balancer, load, ..Parts::default() }), NONE);
}

#[test]
fn an_estimate_that_nobody_lets_the_balancer_use() {
    let estimate = |provider| {
        let balancer = "strategy = \"random\"\noutput_estimate = \"p90\"";
        warnings(Parts { balancer, provider, ..Parts::default() })
    };
    let actual = "latency = \"1s\"\nlimits = { tpm = 6_000_000, charge = \"actual\" }";
    assert_eq!(estimate(actual), NONE);
    assert_eq!(estimate("latency = \"1s\"\nlimits = { tpm = 6_000_000 }"), ["ignored-estimate 8:19"]);
    assert_eq!(estimate(&format!("{actual}\nvisibility = \"none\"")), ["ignored-estimate 8:19"]);
}

#[test]
fn max_tokens_that_no_limit_holds() {
    let never = |limits: &str, balancer| {
        let provider = format!("latency = \"1s\"\nlimits = {{ {limits} }}");
        let load = "rate = \"1/s\"\nrequests = 5\nmax_tokens = 8_000";
        warnings(Parts { load, balancer, provider: &provider, ..Parts::default() })
    };
    let (plain, learns) = ("strategy = \"random\"", "strategy = \"random\"\noutput_estimate = \"p90\"");
    assert_eq!(never("tpm = 60_000, period = \"6s\"", plain), ["never-fits 4:1"]);
    assert_eq!(never("otpm = 7_000, tpm = 60_000", plain), ["never-fits 4:1", "overload 4:1"]);
    assert_eq!(never("tpm = 60_000", plain), NONE);
    assert_eq!(never("tpm = 60_000, period = \"6s\"", "strategy = \"random\"\nquota = \"off\""), NONE);
    assert_eq!(never("tpm = 60_000, period = \"6s\", charge = \"actual\"", learns), NONE);
}

#[test]
fn limits_that_never_bind() {
    let limits = |provider: &str| warnings(Parts { provider: &format!("latency = \"1s\"\n{provider}"), ..Parts::default() });
    assert_eq!(limits("limits = { algorithm = \"fixed-window\" }"), ["never-binds 11:1"]);
    assert_eq!(limits("limits = { rpm = 600, rpd = 600 }"), ["never-binds 11:1"]);
    assert_eq!(limits("limits = { tpm = 6_000_000, itpm = 6_000_000, otpm = 6_000_000 }"), ["never-binds 11:1", "never-binds 11:1"]);
    assert_eq!(limits("background = \"1/s\""), ["never-binds 8:1"]);
    assert!(limits("limits = { tpm = 399, rpm = 60 }").contains(&"never-fits 11:1".to_owned()));
    for fine in
        ["limits = { rpm = 600, rpd = 601 }", "limits = { max_concurrency = 2 }", "limits = { rpm = 600, rpd = 500, period = \"1s\" }"]
    {
        assert_eq!(limits(fine), NONE, "{fine}");
    }
}

#[test]
fn settings_of_what_is_not_there() {
    let limits = |limits: &str| warnings(Parts { provider: &format!("latency = \"1s\"\nlimits = {{ {limits} }}"), ..Parts::default() });
    for idle in ["max_concurrency = 2, period = \"1s\"", "rpd = 500, period = \"1s\"", "rpm = 600, charge = \"actual\""] {
        assert!(limits(idle)[0].starts_with("no-effect 11:"), "{idle}: {:?}", limits(idle));
    }
    for fine in ["itpm = 900_000, period = \"10s\"", "tpd = 900_000, charge = \"actual\"", "rpd = 900, burst = 5"] {
        assert_eq!(limits(fine), NONE, "{fine}");
    }
    let balancer = |lines: &str| warnings(Parts { balancer: &format!("strategy = \"random\"\n{lines}"), ..Parts::default() });
    assert_eq!(balancer("queue = { max_length = 9 }"), ["no-effect 8:11"]);
    assert_eq!(balancer("retry = { backoff = \"1s\", budget = \"off\" }"), ["no-effect 8:11"]);
    assert_eq!(balancer("timeout = \"1s\"\nhedge = { after = \"1s\" }"), ["no-effect 9:1"]);
    // A retry is hedged, too; and what is switched off may be there, to be switched on.
    for fine in [
        "timeout = \"1s\"\nhedge = { after = \"1s\" }\nretry = { max_retries = 1 }",
        "queue = { max_wait = \"0s\", max_length = 9 }",
        "retry = { max_retries = 0, backoff = \"1s\" }",
        "health = \"off\"\noutlier_detection = { window = \"9s\" }\nhealth_check = { interval = \"1s\" }",
    ] {
        assert_eq!(balancer(fine), NONE, "{fine}");
    }
}

#[test]
fn aliases_are_noted() {
    let parts = Parts { balancer: "strategy = \"p2c\"", ..Parts::default() };
    let loaded = check(&parts.text()).expect("valid");
    assert_eq!((brief(&loaded.warnings), loaded.warnings[0].severity), (vec!["alias 7:12".to_owned()], Severity::Note));
    assert!(loaded.warnings.render(false, 92).starts_with("note[alias]: `p2c` is `power-of-two`"));
}

#[test]
fn expectations_that_cannot_fail() {
    let expect = |lines: &str| warnings(Parts { rest: &format!("[[expect]]\n{lines}"), ..Parts::default() });
    assert_eq!(expect("metric = \"success_ratio\"\nmin = 0"), ["cannot-fail 13:1"]);
    assert_eq!(expect("metric = \"success_ratio\"\nmax = 1"), ["cannot-fail 13:1"]);
    assert_eq!(expect("metric = \"success_ratio\"\ntarget = 0.5\ntolerance = \"50%\""), ["cannot-fail 14:1"]);
    let quota = "metric = \"quota_utilization\"\nprovider = \"alpha\"\n";
    assert_eq!(expect(&format!("{quota}max = \"100%\"")), NONE, "what was saved before a window may be used in it");
    assert_eq!(expect(&format!("{quota}min = 0")), ["cannot-fail 14:1"]);
    assert_eq!(expect("metric = \"failed\"\nmin = 0"), ["cannot-fail 13:1"]);
    assert_eq!(expect("metric = \"success_ratio\"\nmin = 0\nmax = 0.5"), NONE);
    assert_eq!(expect("metric = \"failed\"\nmax = 0"), NONE);
}

#[test]
fn windows_without_measured_requests() {
    let during = |span: &str| {
        let rest = format!("[[expect]]\nmetric = \"failed\"\nduring = \"{span}\"\nmax = 0");
        warnings(Parts { load: "rate = \"1/s\"\nduration = \"60s\"\nwarmup = \"10s\"", rest: &rest, ..Parts::default() })
    };
    assert_eq!(during("0s..10s"), ["empty-window 15:1"]);
    assert_eq!(during("70s..80s"), ["empty-window 15:1"]);
    assert_eq!(during("0s..10.1s"), NONE);
    assert_eq!(during("69s..80s"), NONE);
}

/// For a share of 50 % and N = 600 requests of one provider the gate needs (2.326 + 3.891) · √(0.25/600) = 12.69 %.
#[test]
fn tolerances_finer_than_chance() {
    let expect = |strategy: &str, tolerance: &str, more: &str| {
        warnings(Parts {
            balancer: &format!("strategy = \"{strategy}\""),
            rest: &format!("[[expect]]\nmetric = \"share\"\nprovider = \"alpha\"\ntarget = \"50%\"\ntolerance = \"{tolerance}\"{more}"),
            ..Parts::default()
        })
    };
    assert_eq!(expect("random", "12.6%", ""), ["tight-tolerance 15:1"]);
    assert_eq!(expect("random", "12.8%", ""), NONE);
    assert_eq!(expect("weighted-random", "12.6%", ""), ["tight-tolerance 15:1"]);
    assert_eq!(expect("round-robin", "0.1%", ""), NONE);
    // Half of the run: √2 times as much.
    assert_eq!(expect("random", "17.8%", "\nduring = \"30s..90s\""), ["tight-tolerance 15:1"]);
    assert_eq!(expect("random", "18%", "\nduring = \"30s..90s\""), NONE);
}

#[test]
fn more_load_than_quota() {
    let provider = |rpm: &str| warnings(Parts { provider: &format!("latency = \"1s\"\nlimits = {{ rpm = {rpm} }}"), ..Parts::default() });
    assert_eq!(provider("599"), ["overload 4:1"]);
    assert_eq!(provider("600"), NONE);
    // Members of a group share one quota.
    let group =
        "latency = \"1s\"\nlimits = { rpm = 400 }\nquota_group = \"g\"\n[[provider]]\nname = \"b\"\nlatency = \"1s\"\nquota_group = \"g\"";
    assert_eq!(warnings(Parts { provider: group, ..Parts::default() }), ["overload 4:1"]);
    assert_eq!(
        warnings(Parts {
            provider: &group.replace("quota_group = \"g\"", "").replace("name = \"b\"", "name = \"b\"\nlimits = { rpm = 400 }"),
            ..Parts::default()
        }),
        NONE
    );
}

/// 10/s of 580 tokens, 400 of them input, are 348,000, 240,000 and 108,000 a minute.
#[test]
fn more_load_than_tokens() {
    let limits = |limits: &str| warnings(Parts { provider: &format!("latency = \"1s\"\nlimits = {{ {limits} }}"), ..Parts::default() });
    for (enough, short) in
        [("tpm = 348_000", "tpm = 347_000"), ("itpm = 240_000", "itpm = 239_000"), ("otpm = 108_000", "rpm = 900, otpm = 107_000")]
    {
        assert_eq!((limits(enough), limits(short)), (Vec::new(), vec!["overload 4:1".to_owned()]), "{short}");
    }
}

#[test]
fn models_nobody_serves() {
    let load = "rate = \"1/s\"\nrequests = 5\n[[load.class]]\nname = \"a\"\nmodel = \"gpt-4o\"";
    let provider = "latency = \"1s\"\nmodels = [\"gpt-4\"]";
    assert_eq!(warnings(Parts { load, provider, ..Parts::default() }), ["unserved-model 4:1"]);
    assert_eq!(warnings(Parts { load, ..Parts::default() }), NONE);
}
