//! Quota groups: what refusals have taught a group, its members know as well.

use lbsim::engine::{AttemptResult, Config, Decision, Engine, Outcome, ProviderConfig, Request, Strategy};
use lbsim::time::Nanos;

/// A hundred a second evenly, which nobody declared, are asked for at any time for ten minutes, and answered or refused at once. Once
/// that pace is known a refusal pauses for three attempts' time. A member that did not know it would pause for half a second at least.
#[test]
fn a_member_pauses_for_no_longer_than_its_group() {
    for quota_group in [None, Some("shared".to_owned())] {
        let provider = ProviderConfig { name: "p".to_owned(), quota_group: quota_group.clone(), ..ProviderConfig::default() };
        let engine = Engine::new(Config::new(Strategy::Failover, vec![provider])).expect("a valid configuration");
        let (mut next, mut sent_at, mut longest, mut refused) = (0, 0, 0, 0);
        for ms in 0..600_000 {
            let now = Nanos::from_millis(ms);
            let Decision::Send(lease) = engine.pick(now, &Request::new(ms)) else { continue };
            let is_known = ms > 300_000;
            longest = if is_known { longest.max(ms - sent_at) } else { 0 };
            sent_at = ms;
            let result = if ms >= next {
                next = ms + 10;
                AttemptResult::Success
            } else {
                refused += u32::from(is_known);
                AttemptResult::Status(429)
            };
            engine.settle(now, lease, Outcome::new(result));
        }
        assert!(refused > 0 && longest < 100, "{quota_group:?}: {refused} refused, {longest} ms");
    }
}
