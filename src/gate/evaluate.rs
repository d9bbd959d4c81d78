//! Expectations, judged one by one.

use super::chance::{self, Shown};
use super::expect::{Expectation, Want};
use super::measure::{Measured, measure};
use super::metric::Metric;
use crate::metrics::{RunStats, Slice};
use crate::report::{ExpectationResult, Verdict};

/// What a run must record apart so that these expectations can be judged: each window and class once, in their order.
pub fn slices(expectations: &[Expectation]) -> Vec<Slice> {
    let mut slices = Vec::new();
    for slice in expectations.iter().map(slice_of) {
        if slice != Slice::default() && !slices.contains(&slice) {
            slices.push(slice);
        }
    }
    slices
}

/// Judges each expectation by the figures of a run that recorded [`slices`] of them.
///
/// What was not recorded, or has no samples, is no data.
pub fn evaluate(expectations: &[Expectation], run: &RunStats) -> Vec<ExpectationResult> {
    expectations.iter().map(|expectation| judge(expectation, run)).collect()
}

fn judge(expectation: &Expectation, run: &RunStats) -> ExpectationResult {
    let Expectation { metric, provider, during, class, want, line } = expectation;
    let none = Measured { got: None, samples: 0 };
    let Measured { got, samples } = run.slice(slice_of(expectation)).map_or(none, |slice| measure(*metric, *provider, slice, run));
    let (verdict, cause) = match got {
        None => (Verdict::NoData, None),
        Some(got) => match by_chance(*metric, want, got, samples, run) {
            Some(shown) => verdict_of(shown, samples),
            None if want.accepts(got) => (Verdict::Pass, None),
            None => (Verdict::Fail, None),
        },
    };
    ExpectationResult {
        simulated: None,
        metric: metric.name(),
        provider: provider.and_then(|index| run.provider_names.get(index).cloned()),
        during: during.as_ref().map(|window| window.label.clone()),
        class: class.and_then(|index| run.class_names.get(index).cloned()),
        want: want.text(metric.unit()),
        got,
        samples,
        verdict,
        distance: got.map(|got| want.distance(got)).filter(|distance| *distance != 0.0),
        cause,
        line: (*line > 0).then_some(*line as u64),
    }
}

/// What a figure made of random draws shows; `None` where it is not one, or is asked for as it is.
fn by_chance(metric: Metric, want: &Want, got: f64, samples: u64, run: &RunStats) -> Option<Shown> {
    let providers = run.provider_names.len();
    match (metric, *want) {
        _ if !chance::draws(run.strategy) => None,
        (Metric::Share, Want::Target { target, tolerance }) => Some(chance::share(got, target, tolerance, samples, providers)),
        // Of two equal shares the one that is off most is judged as if it were all.
        (Metric::MaxShareError, Want::Range { min: None, max: Some(most) }) => {
            Some(chance::share(0.5 + got, 0.5, most, samples, providers))
        }
        (Metric::TotalVariation, Want::Range { min: None, max: Some(most) }) => {
            Some(chance::total_variation(got, most, samples, providers))
        }
        _ => None,
    }
}

fn verdict_of(shown: Shown, samples: u64) -> (Verdict, Option<String>) {
    match shown {
        Shown::Holds => (Verdict::Pass, None),
        Shown::Fails => (Verdict::Fail, None),
        Shown::Undecided { needs } => {
            let needs = match needs {
                Some(needs) if needs > samples => format!("about {needs} attempts are needed to show it, {samples} were made"),
                Some(_) => "it is too near to the edge of what is wanted".to_owned(),
                None => "no number of random draws can show it: allow a tolerance".to_owned(),
            };
            (Verdict::Noisy, Some(format!("undecided: the share is made of random draws, and {needs}")))
        }
    }
}

fn slice_of(expectation: &Expectation) -> Slice {
    Slice { window: expectation.during.as_ref().map(|window| (window.from, window.until)), class: expectation.class }
}
