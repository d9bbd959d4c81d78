//! `--find-limit`: runs between the points of a sweep, by bisection.

use std::num::NonZeroUsize;

use super::exit::Failure;
use super::load;
use super::sweep::{Options, overrides};
use super::terminal::Terminal;
use super::{assemble, compare, experiment};
use crate::engine::strategy::Strategy;
use crate::gate::sweep::limit::{self, Tried};
use crate::gate::sweep::table::{held, limit as limit_of, row};
use crate::report::{Axis, Document, Limit, Sweep};

/// What every probe needs.
pub struct Prober<'a> {
    /// Of the command.
    pub options: &'a Options,
    /// The same for each probe, so that only the parameter differs.
    pub seeds: &'a [u64],
    /// Runs at a time.
    pub threads: NonZeroUsize,
    /// For progress and diagnostics.
    pub terminal: &'a Terminal,
}

impl Prober<'_> {
    /// Narrows the limit of each strategy to 1 %, where the points bracket it. Returns whether it was interrupted.
    ///
    /// # Errors
    /// A value between two good ones that is no good scenario.
    pub fn refine(&self, document: &mut Document) -> Result<bool, Failure> {
        let Document::Many(collection) = document else { return Ok(false) };
        let Some(sweep) = collection.sweep.as_mut() else { return Ok(false) };
        let mut refined = Vec::new();
        let mut interrupted = false;
        for limit in &sweep.limits {
            refined.push(if interrupted { limit.clone() } else { self.narrow(sweep, limit, &mut interrupted)? });
        }
        sweep.limits = refined;
        Ok(interrupted)
    }

    fn narrow(&self, sweep: &Sweep, start: &Limit, interrupted: &mut bool) -> Result<Limit, Failure> {
        let mine = |row: &&crate::report::SweepRow| row.strategy == start.strategy;
        let mut tried: Vec<Tried> =
            sweep.rows.iter().filter(mine).map(|row| Tried { value: row.point[0].clone(), held: held(row) }).collect();
        let mut probes = 0;
        while let Some(value) = limit::next(&limit::bracket(&tried)) {
            match self.holds(&sweep.axes, &value, &start.strategy)? {
                Some(held) => tried.push(Tried { value, held }),
                None => {
                    *interrupted = true;
                    break;
                }
            }
            probes += 1;
        }
        Ok(limit_of(&start.strategy, &start.at, &tried, probes))
    }

    /// Whether everything holds at `value` with every seed; `None` if interrupted.
    fn holds(&self, axes: &[Axis], value: &str, strategy: &str) -> Result<Option<bool>, Failure> {
        let point = [value.to_owned()];
        let overrides = overrides(axes, &point, &self.options.many.changes);
        let invalid = |_| {
            Failure::usage(format!("--find-limit: {}={value} is no valid scenario; choose ends between which every value is", axes[0].key))
        };
        let ready = load::silently(&self.options.scenario, &overrides, self.terminal).map_err(invalid)?;
        let strategy = Strategy::parse(strategy).unwrap_or(ready.scenario.plan.engine.strategy);
        let mut arm = compare::arm(0, &ready.scenario, strategy);
        arm.variant.name = format!("{}={value} {strategy}", axes[0].key);
        let outcome = experiment::run(std::slice::from_ref(&arm), self.seeds, None, self.threads, self.terminal)?;
        if outcome.interrupted {
            return Ok(None);
        }
        let mut reports = vec![assemble::several(&ready.scenario, Vec::new(), false, None)];
        let mut variants = vec![arm.variant];
        experiment::arrange(&mut reports, &mut variants, outcome.runs, false);
        Ok(experiment::series(&reports, &variants).first().map(|series| held(&row(point.to_vec(), series))))
    }
}
