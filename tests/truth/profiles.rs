//! Every built-in profile in a minute of load, and what the profiles' own mechanisms do.

use lbsim::engine::Strategy;
use lbsim::engine::limit::{Algorithm, Limits};
use lbsim::gate::run::{self, Options};
use lbsim::report::Verdict;
use lbsim::scenario::{self, Overrides};
use lbsim::time::Nanos;
use lbsim::world::dist::Dist;
use lbsim::world::profile::PROFILES;
use lbsim::world::spec::{Service, Visibility};

use crate::log::observe;
use crate::stats::lawful;
use crate::world::{World, fixed, provider};

/// Load below and far above every profile's limits, with and without the balancer knowing them: sums match, nothing panics,
/// and a balancer that counts is refused by nobody.
#[test]
fn every_profile_carries_a_minute_of_load() {
    for profile in PROFILES {
        for (rate, visibility) in [("20/min", "config"), ("30/s", "config"), ("30/s", "headers"), ("30/s", "none")] {
            let text = format!(
                "schema = 1\nname = \"t\"\n[load]\nrate = \"{rate}\"\nduration = \"60s\"\nmax_tokens = 500\n[balancer]\n\
                 strategy = \"random\"\n[[provider]]\nname = \"p\"\nprofile = \"{}\"\nvisibility = \"{visibility}\"\n",
                profile.name
            );
            let loaded = scenario::parse("t.toml", &text, &Overrides::default()).expect(profile.name);
            let run = lawful(&loaded.scenario.plan);
            assert!(run.requests.offered > 0 && run.requests.unfinished == 0, "{} at {rate}", profile.name);
            // A balancer cannot tell an error 503, which uses quota, from a full queue's, which does not.
            if visibility == "config" && ![429, 503].contains(&profile.errors.value.status) {
                assert_eq!(run.attempts.rate_limited, 0, "{} at {rate}", profile.name);
            }
        }
    }
}

/// 600 requests a minute in slices of one second and tokens by the minute, 2/s of 1,000 tokens, 100,000 a minute: the
/// first 100 of each minute's 120, although no second ever sees more than 2 of its 10.
#[test]
fn requests_and_tokens_have_slices_of_their_own() {
    let mut world = World::new(
        Strategy::Random,
        vec![provider("p", fixed(0.1)).limits(Limits {
            rpm: Some(600.0),
            tpm: Some(100_000.0),
            algorithm: Algorithm::FixedWindow,
            request_period: Some(Nanos::from_secs(1)),
            ..Limits::default()
        })],
    );
    world = world.constant(2.0).requests(240);
    world.plan.load.classes[0].input = Dist::Fixed(1_000.0);
    world.plan.load.classes[0].output = Dist::Fixed(0.0);
    world.plan.providers[0].visibility = Visibility::None;
    world.plan.engine.quota = false;
    let (run, _) = observe(&world.plan);
    assert_eq!((run.requests.succeeded, run.attempts.rate_limited), (200, 40));
}

/// One request of 2,000 input tokens and 11 output tokens alone on 2 slots: (1 + 2,000 · 0.001) · 100 ms, then ten tokens
/// of 10 ms · (1 + 1 · 1/2). Two at once: the second finds both slots taken and needs 20 ms a token.
#[test]
fn input_and_company_take_time() {
    for (rate, latencies) in [(0.1, [450, 450]), (1_000.0, [450, 500])] {
        let mut world = World::new(Strategy::Random, vec![provider("p", fixed(0.0)).slots(2)]).constant(rate).requests(2);
        world.plan.providers[0].service =
            Service::Streamed { ttft: Dist::Fixed(100e6), prefill: 0.001, itl: Dist::Fixed(10e6), crowding: 1.0 };
        world.plan.load.classes[0].input = Dist::Fixed(2_000.0);
        world.plan.load.classes[0].output = Dist::Fixed(11.0);
        let (_, log) = observe(&world.plan);
        let mut took: Vec<Nanos> = log.attempts.iter().map(|attempt| attempt.ended.since(attempt.sent)).collect();
        took.sort();
        assert_eq!(took, latencies.map(Nanos::from_millis), "at {rate}/s");
    }
}

/// The scenarios that teach something about profiles hold for 20 seeds.
#[test]
fn scenarios_with_profiles_hold_for_every_seed() {
    for name in ["azure_ptu", "anthropic_tiers"] {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        for seed in 0..20 {
            let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
            let scenario = scenario::load(&path, &overrides).unwrap_or_else(|errors| panic!("{}", errors.render(false, 92))).scenario;
            let run = run::run(&scenario.plan, &scenario.expectations, Options::default()).expect("the plan is valid").run;
            let failed: Vec<_> = run.expectations.iter().filter(|one| one.verdict != Verdict::Pass).collect();
            assert!(failed.is_empty() && !run.expectations.is_empty(), "{name}, seed {seed}: {failed:?}");
        }
    }
}
