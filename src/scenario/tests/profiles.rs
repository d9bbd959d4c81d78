//! `profile = …`: what it brings, and what overrides it.

use super::{Parts, brief, check, expect_errors};
use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::profile::{PROFILES, Profile};
use crate::world::spec::{ProviderSpec, Service};

fn provider(lines: &str) -> ProviderSpec {
    let text = Parts { provider: lines, ..Parts::default() }.text();
    let loaded = check(&text).unwrap_or_else(|errors| panic!("{}", errors.render(false, 92)));
    loaded.scenario.plan.providers.into_iter().next().expect("one provider")
}

fn profile(name: &str) -> &'static Profile {
    Profile::find(name).expect("a profile")
}

/// A service, compared as text: laws have no order of their own.
fn shown(service: &Service) -> String {
    format!("{service:?}")
}

/// A profile alone is a provider: limits reach both the truth and what the balancer knows of it.
#[test]
fn every_profile_alone_is_enough() {
    for profile in PROFILES {
        let line = format!("profile = \"{}\"", profile.name);
        let loaded = check(&Parts { provider: &line, ..Parts::default() }.text()).expect(profile.name);
        // Ten requests a second of 400 + 180 tokens are more than some carry.
        let limits = profile.limits();
        let short = [(limits.rpm, 600.0), (limits.tpm, 348_000.0), (limits.itpm, 240_000.0), (limits.otpm, 108_000.0)];
        let overload = short.iter().any(|(limit, load)| limit.is_some_and(|limit| limit < *load));
        assert_eq!(!brief(&loaded.warnings).is_empty(), overload, "{}: {:?}", profile.name, brief(&loaded.warnings));
        let (truth, belief) = (&loaded.scenario.plan.providers[0], &loaded.scenario.plan.engine.providers[0]);
        assert_eq!((&truth.limits, &belief.limits), (&profile.limits(), &profile.limits()), "{}", profile.name);
        assert_eq!(shown(&truth.service), shown(&profile.service()), "{}", profile.name);
        assert_eq!((truth.error_rate, truth.error_status), (profile.errors.value.rate, profile.errors.value.status));
        assert_eq!((truth.slots, truth.queue), (profile.slots.map(|slots| slots.value), None));
    }
}

/// Keys beside a profile win; what is not given stays the profile's.
#[test]
fn explicit_keys_override_the_profile() {
    let base = profile("openai-tier3");
    let one = provider("profile = \"openai-tier3\"\nlatency = \"1s\"\nerror_rate = 0\nerror_status = 418");
    assert!(matches!(one.service, Service::Whole(Dist::Fixed(nanos)) if nanos == 1e9));
    assert_eq!((one.error_rate, one.error_status, one.limits), (0.0, 418, base.limits()));

    // The table of limits replaces the profile's as a whole.
    let one = provider("profile = \"openai-tier3\"\nlimits = { rpm = 7 }\ncapacity = { slots = 3, queue = 1 }");
    assert_eq!((one.limits.rpm, one.limits.tpm, one.slots, one.queue), (Some(7.0), None, Some(3), Some(1)));
    assert_eq!(shown(&one.service), shown(&base.service()));

    // Of a streamed answer each half is overridden by itself.
    let Service::Streamed { ttft, prefill, itl, crowding } = profile("vllm-70b-h100x4").service() else { panic!("streamed") };
    let first = provider("profile = \"vllm-70b-h100x4\"\nttft = \"1s\"").service;
    assert_eq!(shown(&first), shown(&Service::Streamed { ttft: Dist::Fixed(1e9), prefill: 0.0, itl, crowding }));
    let further = provider("profile = \"vllm-70b-h100x4\"\nitl = \"1ms\"").service;
    assert_eq!(shown(&further), shown(&Service::Streamed { ttft, prefill, itl: Dist::Fixed(1e6), crowding: 0.0 }));
}

/// `per_1k_input` is stated as a duration and kept as a fraction of the median per token: 30 ms of 600 ms per 1,000
/// tokens is 1/20,000 of the median for each.
#[test]
fn time_to_first_token_may_grow_with_the_input() {
    for law in ["p99 = \"600ms\"", "p99 = \"2s\"", "p99 = \"2s\", slow = { share = \"1%\", factor = 3 }"] {
        let one = provider(&format!("itl = \"1ms\"\nttft = {{ p50 = \"600ms\", {law}, per_1k_input = \"30ms\" }}"));
        let Service::Streamed { prefill, .. } = one.service else { panic!("streamed") };
        assert!((prefill * 20_000.0 - 1.0).abs() < 1e-12, "{law}: {prefill}");
    }
}

#[test]
fn requests_may_be_counted_in_other_slices_than_tokens() {
    let limits = provider("latency = \"1s\"\nlimits = { rpm = 600, tpm = 100_000, request_period = \"1s\" }").limits;
    assert_eq!((limits.request_period, limits.period), (Some(Nanos::from_secs(1)), None));
}

/// A group may state its limits by a profile, by `limits`, or by both; `limits` win. Two profiles contradict each other.
#[test]
fn a_quota_group_takes_its_limits_from_profiles_too() {
    let group = |one: &str, other: &str| {
        let one = format!("{one}\nquota_group = \"org\"");
        let other = format!("[[provider]]\nname = \"beta\"\n{other}\nquota_group = \"org\"");
        Parts { provider: &one, rest: &other, ..Parts::default() }.text()
    };
    let tier1 = "profile = \"openai-tier1\"";
    for (one, other, rpm) in [
        (tier1, tier1, 500.0),
        (tier1, "latency = \"1s\"", 500.0),
        ("profile = \"ideal\"", tier1, 500.0),
        (tier1, "profile = \"openai-tier3\"\nlimits = { rpm = 8 }", 8.0),
    ] {
        let plan = check(&group(one, other)).unwrap_or_else(|errors| panic!("{}", errors.render(false, 92))).scenario.plan;
        assert!(plan.providers.iter().all(|member| member.limits.rpm == Some(rpm)), "{one} with {other}");
        assert!(plan.engine.providers.iter().all(|member| member.limits.rpm == Some(rpm)), "{one} with {other}");
    }
    // Lines: 10 and 11 the first, 12 to 15 the second.
    let contradiction = group(tier1, "profile = \"openai-tier3\"");
    expect_errors(&[("two profiles", contradiction, "conflict 14:1", "the members share one quota")]);
}
