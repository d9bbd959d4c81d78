//! What HTTP alone takes, without a gateway: what a gateway adds is measured against it.

use super::ask::Origin;
use super::client::{Errand, Sender};
use super::mocks::{LOOPBACK, Mocks};
use crate::drive::plan::Plan;
use crate::drive::simulate::DriveError;
use crate::engine::Config;
use crate::engine::config::ProviderConfig;
use crate::engine::strategy::Strategy;
use crate::metrics::latency::Samples;
use crate::world::dist::Dist;
use crate::world::provider::Call;
use crate::world::spec::{ProviderSpec, Service, Source};

/// Requests that are sent, one after the other.
const PROBES: u32 = 200;
/// Those before are not counted: connections and caches are cold.
const COLD: u32 = 20;

/// Round trips to an idle mock provider that answers at once, in scenario time. The requests are like those that the gateway will
/// get: with a label, as long as the mean of the plan, and for a stream where any provider has one.
///
/// # Errors
/// Mocks that cannot be started.
pub fn direct(plan: &Plan, time_scale: f64) -> Result<Samples, DriveError> {
    let streamed = plan.providers.iter().any(|provider| matches!(provider.service, Service::Streamed { .. }));
    let now = Dist::Fixed(0.0);
    let service = match streamed {
        true => Service::Streamed { ttft: now.clone(), prefill: 0.0, itl: now, crowding: 0.0 },
        false => Service::Whole(now),
    };
    let input = mean_input(plan) as u32;
    let provider = ProviderSpec { name: "direct".to_owned(), service, ..super::target::nobody() };
    let pool = vec![ProviderConfig { name: provider.name.clone(), ..ProviderConfig::default() }];
    let plan =
        Plan { providers: vec![provider], engine: Config::new(Strategy::RoundRobin, pool), events: Vec::new(), real: None, ..plan.clone() };
    let mocks = Mocks::start(&plan, time_scale, LOOPBACK, Box::new(|_, _| {})).map_err(|why| DriveError::Mocks(why.to_string()))?;
    let uri = format!("http://{}/v1/chat/completions", mocks.addresses[0]).parse().expect("an address makes an URI");
    let mut errand = Errand {
        uri,
        model: "lbsim".to_owned(),
        streamed,
        call: Call { request: 0, attempt: 0, input, output: 1, max_tokens: None, poison: false, poison_status: None },
        tag: 0,
        origin: Origin::Gateway,
    };
    let sender = Sender::new(Vec::new());
    let mut samples = Samples::default();
    mocks.handle().block_on(async {
        for probe in 0..PROBES {
            errand.call.request = u64::from(probe);
            errand.tag = u64::from(probe);
            let sent = mocks.clock.now();
            sender.send(errand.clone(), |_| ()).await;
            if probe >= COLD {
                samples.record(mocks.clock.now().since(sent));
            }
        }
    });
    Ok(samples)
}

/// Input tokens of a request; those of a trace stand in its rows.
fn mean_input(plan: &Plan) -> f64 {
    match &plan.load.source {
        Source::Trace { rows, .. } => rows.iter().map(|row| f64::from(row.input)).sum::<f64>() / rows.len().max(1) as f64,
        _ => plan.load.mean(|class| class.input.mean()),
    }
}
