//! Active probes: what they find does not depend on how long errors take, unless there are errors.

use lbsim::drive::plan::HealthCheck;
use lbsim::engine::{OutlierDetection, Strategy};

use crate::log::observe;
use crate::world::{World, fixed, ms, provider, providers, s};

fn probed(errors: f64, error_latency: f64, timeout: lbsim::time::Nanos) -> World {
    let mut like = provider("p", fixed(0.2)).errors(errors);
    like.spec.error_latency = fixed(error_latency);
    let mut members = providers(3, &provider("p", fixed(0.2)));
    like.spec.name = "p0".to_owned();
    like.config.name = "p0".to_owned();
    members[0] = like;
    let mut world = World::new(Strategy::RoundRobin, members).constant(10.0).duration(120.0);
    world.plan.engine.outlier_detection = Some(OutlierDetection::default());
    world.plan.health_check = Some(HealthCheck { interval: s(5.0), timeout, unhealthy_threshold: 3, healthy_threshold: 2 });
    world
}

/// Errors of 1.5 s that never happen, and probes that wait for a second or for a millisecond: nobody is taken out, and each of
/// the three gets its 400 of 1,200.
#[test]
fn a_healthy_provider_passes_every_probe() {
    for timeout in [s(1.0), ms(1)] {
        let (run, _) = observe(&probed(0.0, 1.5, timeout).plan);
        let attempts: Vec<u64> = run.providers.iter().map(|provider| provider.attempts).collect();
        assert_eq!(attempts, [400, 400, 400], "time limit {timeout}");
        assert!(run.providers.iter().all(|provider| provider.ejections == Some(0)), "time limit {timeout}");
    }
}

/// Where all answers are errors, all probes fail, in time or not.
#[test]
fn a_failing_provider_fails_every_probe() {
    for error_latency in [0.02, 1.5] {
        let (run, _) = observe(&probed(1.0, error_latency, s(1.0)).plan);
        assert!(run.providers[0].ejections >= Some(1), "errors after {error_latency} s: {:?}", run.providers[0]);
    }
}
