//! Expectations, judged one by one.

use super::expect::Expectation;
use super::measure::{Measured, measure};
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
    let verdict = match got {
        None => Verdict::NoData,
        Some(got) if want.accepts(got) => Verdict::Pass,
        Some(_) => Verdict::Fail,
    };
    ExpectationResult {
        metric: metric.name(),
        provider: provider.and_then(|index| run.provider_names.get(index).cloned()),
        during: during.as_ref().map(|window| window.label.clone()),
        class: class.and_then(|index| run.class_names.get(index).cloned()),
        want: want.text(metric.unit()),
        got,
        samples,
        verdict,
        distance: got.map(|got| want.distance(got)).filter(|distance| *distance != 0.0),
        cause: None,
        line: (*line > 0).then_some(*line as u64),
    }
}

fn slice_of(expectation: &Expectation) -> Slice {
    Slice { window: expectation.during.as_ref().map(|window| (window.from, window.until)), class: expectation.class }
}
