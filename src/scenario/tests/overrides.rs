//! `--set`, `--seed` and `--strategy`.

use super::full::FULL;
use super::{Parts, brief, check_with};
use crate::engine::strategy::Strategy;
use crate::scenario::{Diagnostics, Loaded, Overrides};
use crate::time::Nanos;
use crate::world::spec::{Service, Source};

fn set(text: &str, arguments: &[&str]) -> Result<Loaded, Diagnostics> {
    check_with(text, &Overrides { set: arguments.iter().map(|argument| (*argument).to_owned()).collect(), ..Overrides::default() })
}

fn changed(arguments: &[&str]) -> crate::drive::plan::Plan {
    match set(FULL, arguments) {
        Ok(loaded) => loaded.scenario.plan,
        Err(found) => panic!("{}", found.render(false, 92)),
    }
}

#[test]
fn values_are_toml_or_plain_text() {
    let plan = changed(&["load.rate=200/s", "provider.beta.weight=4", "balancer.strategy = p2c ", "load.duration=\"3m\""]);
    assert!(matches!(plan.load.source, Source::Open(ref open) if open.rate == 200.0));
    assert_eq!((plan.engine.providers[1].weight, plan.engine.strategy), (Some(4.0), Strategy::PowerOfTwo));
    let plan = changed(&["balancer.retry={max_retries=7}", "event.down.at=31s", "load.class.batch.share=40%", "slo.ttft=9s"]);
    assert_eq!((plan.engine.retry.max_retries, plan.events[0].at, plan.slo.ttft), (7, Nanos::from_secs(31), Some(Nanos::from_secs(9))));
}

#[test]
fn missing_tables_are_created_and_members_without_a_name_have_a_position() {
    let plain = Parts::default().text();
    let loaded = set(&plain, &["balancer.queue.max_wait=2s", "provider.alpha.limits.rpm=60", "slo.latency=1s"]).expect("valid");
    let plan = loaded.scenario.plan;
    assert_eq!(
        (plan.queue.max_wait, plan.providers[0].limits.rpm, plan.slo.latency),
        (Nanos::from_secs(2), Some(60.0), Some(Nanos::from_secs(1)))
    );
    let plan = changed(&["load.stage.1.rate=5/s", "provider.alpha.latency=1s"]);
    assert!(matches!(plan.load.source, Source::Open(ref open) if open.stages[1].rate == 5.0));
    assert!(matches!(plan.providers[0].service, Service::Whole(crate::world::dist::Dist::Fixed(nanos)) if nanos == 1e9));
}

#[test]
fn names_may_hold_dots_and_quotes_help() {
    let text = Parts::default().text().replace("\"alpha\"", "\"gpt-4.1\"");
    for argument in ["provider.gpt-4.1.weight=3", "provider.\"gpt-4.1\".weight=3", "provider.'gpt-4.1'.weight = 3"] {
        let loaded = set(&text, &[argument]).expect(argument);
        assert_eq!(loaded.scenario.plan.engine.providers[0].weight, Some(3.0), "{argument}");
    }
}

#[test]
fn mistakes_point_into_the_argument() {
    // Written → finding, and words of its rendering.
    for (argument, wanted, words) in [
        ("load.rate=200", "bad-rate 1:11", "--> --set:1:11"),
        ("load.rtae=200/s", "unknown-key 1:6", "did you mean `rate`?"),
        ("provider.betta.weight=4", "bad-set 1:10", "did you mean `beta`?"),
        ("event.up.at=4s", "bad-set 1:7", "the names are `down`"),
        ("load", "bad-set 1:1", "expected KEY=VALUE"),
        ("=3", "bad-set 1:1", "expected KEY=VALUE"),
        ("load..rate=3", "bad-set 1:6", "expected KEY=VALUE"),
        ("name.x=3", "bad-set 1:6", "only a table has keys"),
        ("balancer.retry={max_retries=", "wrong-type 1:16", "found a string"),
        ("balancer.retry={max_retries=-1}", "out-of-range 1:29", "0 to 1_000"),
        ("seed=", "wrong-type 1:6", "a whole number"),
    ] {
        let found = set(FULL, &[argument]).expect_err(argument);
        let rendered = found.render(false, 92);
        assert_eq!(brief(&found), [wanted], "{argument}\n{rendered}");
        assert!(rendered.contains(words), "{argument}: wanted {words:?} in\n{rendered}");
    }
    let found = set(&Parts::default().text(), &["event.x.at=4s"]).expect_err("no event");
    assert_eq!(brief(&found), ["bad-set 1:7"]);
}

#[test]
fn seed_and_strategy_are_overrides_too() {
    let overrides = Overrides { seed: Some(u64::MAX), strategy: Some("failover".to_owned()), ..Overrides::default() };
    let plan = check_with(FULL, &overrides).expect("valid").scenario.plan;
    assert_eq!((plan.seed, plan.engine.seed, plan.engine.strategy), (u64::MAX, u64::MAX, Strategy::Failover));
    let overrides = Overrides { strategy: Some("failovr".to_owned()), ..Overrides::default() };
    let found = check_with(FULL, &overrides).expect_err("no such strategy");
    assert_eq!(brief(&found), ["unknown-strategy 1:1"]);
    assert!(found.render(false, 92).contains("--> --strategy:1:1"));
    // Without a [balancer] the flag is enough.
    let text = Parts::default().text().replace("[balancer]\nstrategy = \"random\"\n", "");
    let overrides = Overrides { strategy: Some("random".to_owned()), ..Overrides::default() };
    assert!(check_with(&text, &overrides).is_ok());
}

/// The digest is the same for files that mean the same, and changes with anything that matters.
#[test]
fn digests() {
    let digest = |text: &str, overrides: &Overrides| check_with(text, overrides).expect("valid").scenario.digest;
    let none = Overrides::default();
    let base = digest(FULL, &none);
    assert_eq!(base.len(), 32);
    for (same, text) in [
        ("comments", FULL.replace("schema = 1", "# a comment\nschema = 1")),
        ("description", FULL.replace("one sentence", "another sentence")),
        ("order of keys", FULL.replace("seed = 42\nclock = \"virtual\"", "clock = \"virtual\"\nseed = 42")),
        ("integer or float", FULL.replace("weight = 5", "weight = 5.0")),
    ] {
        assert_eq!(digest(&text, &none), base, "{same}");
    }
    assert_ne!(digest(&FULL.replace("weight = 5", "weight = 6"), &none), base);
    assert_ne!(digest(FULL, &Overrides { seed: Some(43), ..Overrides::default() }), base);
    assert_eq!(digest(FULL, &Overrides { seed: Some(42), ..Overrides::default() }), base);
    let doubled = Overrides { set: vec!["load.rate=200/s".to_owned()], ..Overrides::default() };
    assert_eq!(digest(FULL, &doubled), digest(&FULL.replace("\"100/s\"", "\"200/s\""), &none));
}

/// `--expect` is the `[[expect]]` it stands for, and mistakes in it point into the argument.
#[test]
fn expectations_can_be_asked_for_on_the_command_line() {
    use crate::gate::{Figure, Metric, Want};
    let asked = |argument: &str| check_with(FULL, &Overrides { expect: vec![argument.to_owned()], ..Overrides::default() });
    let expectation = |argument: &str| match asked(argument) {
        Ok(loaded) => loaded.scenario.expectations.last().cloned().expect("at least the one asked for"),
        Err(found) => panic!("{}", found.render(false, 92)),
    };
    for argument in ["share(beta)=50%±1%", "share( beta ) = 50% ± 1%", "share(beta)==0.5+-0.01"] {
        let found = expectation(argument);
        assert_eq!((found.metric, found.provider, found.line), (Metric::Share, Some(1), 0), "{argument}");
        assert_eq!(found.want, Want::Target { target: 0.5, tolerance: 0.01 }, "{argument}");
    }
    let found = expectation("latency_p99[batch]@down<=2s");
    assert_eq!(
        (found.metric, found.class, found.want),
        (Metric::Latency(Figure::P99), Some(1), Want::Range { min: None, max: Some(2_000.0) })
    );
    assert_eq!(found.during.map(|window| window.label).as_deref(), Some("down"));
    assert_eq!(expectation("failed=0").want, Want::Target { target: 0.0, tolerance: 0.0 });
    assert_eq!(expectation("success_ratio>=99%").want, Want::Range { min: Some(0.99), max: None });
    for (argument, wanted) in [
        ("", "bad-expect 1:1"),
        ("success_ratio", "bad-expect 1:14"),
        ("success_ratio>99%", "bad-expect 1:14"),
        ("success_ratio>=", "bad-expect 1:15"),
        ("share(beta=50%", "bad-expect 1:6"),
        ("share(betta)=50%±1%", "unknown-provider 1:7"),
        ("sucess_ratio>=99%", "unknown-metric 1:1"),
        ("latency_p99<=2", "bad-duration 1:14"),
        ("failed@dwon=0", "unknown-event 1:8"),
        ("share=50%", "missing-key 1:1"),
    ] {
        let found = asked(argument).expect_err(argument);
        assert!(brief(&found).iter().any(|line| line.starts_with(wanted)), "{argument}: {:?}", brief(&found));
    }
}
