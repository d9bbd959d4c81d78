//! A run through someone else's gateway: the same clients and the same providers, and no engine of ours.

use super::plan::Plan;
use super::real::target::client_plan;
use super::real::{RealTime, Sides, Wire};
use super::simulate::{DriveError, Finished, Options, Simulation};
use crate::engine::Engine;
use crate::metrics::observe::Observer;

/// Through someone else's gateway, which does the balancing: no decision is ours.
pub(super) fn through<O: Observer>(plan: &Plan, real: &RealTime, observer: &mut O, options: Options<'_>) -> Result<Finished, DriveError> {
    let client = client_plan(plan);
    let wire = Wire::start(plan, real)?;
    let mut sides = Sides::new(observer, plan.providers.len(), plan.load.warmup, wire.over());
    let options = Options { decisions: None, time_every: None, follow_shed: false, ..options };
    let mut simulation = Simulation::new(&client, &mut sides, options, &Engine::new)?;
    simulation.wire = Some(wire);
    simulation.run_real()?;
    let finished = simulation.finish();
    Ok(Finished { unlabelled: sides.unlabelled(), ..finished })
}
