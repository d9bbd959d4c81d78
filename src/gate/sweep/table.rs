//! From the runs of a sweep to its rows and limits.

use super::limit::{Bracket, Tried, bracket};
use crate::gate::compare::Series;
use crate::gate::compare::replicate::replicated;
use crate::report::{Axis, Limit, Run, SweepRow, Verdict};

/// The values of point `index`: the last axis changes fastest.
pub fn point(axes: &[Axis], index: usize) -> Vec<String> {
    let mut rest = index;
    let mut values: Vec<String> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = axis.values[rest % axis.values.len()].clone();
            rest /= axis.values.len();
            value
        })
        .collect();
    values.reverse();
    values
}

/// One row per series, in their order; the report of a series is its point.
pub fn rows(axes: &[Axis], series: &[Series<'_>]) -> Vec<SweepRow> {
    series.iter().map(|series| row(point(axes, series.variant.report), series)).collect()
}

/// One strategy at one point.
pub fn row(point: Vec<String>, series: &Series<'_>) -> SweepRow {
    let judged: Vec<&&Run> = series.runs.iter().filter(|run| !run.expectations.is_empty()).collect();
    let holds = |run: &Run| run.expectations.iter().all(|expectation| expectation.verdict == Verdict::Pass);
    SweepRow {
        point,
        strategy: series.variant.strategy.clone(),
        judged: judged.len() as u64,
        held: judged.iter().filter(|run| holds(run)).count() as u64,
        metrics: replicated(&series.runs),
    }
}

/// For each strategy and point of the other axes how far the first axis goes; none where nothing is expected.
pub fn limits(axes: &[Axis], rows: &[SweepRow]) -> Vec<Limit> {
    if axes.is_empty() || rows.iter().any(|row| row.judged == 0) {
        return Vec::new();
    }
    let mut groups: Vec<(&str, &[String], Vec<Tried>)> = Vec::new();
    for row in rows {
        let tried = Tried { value: row.point[0].clone(), held: held(row) };
        match groups.iter_mut().find(|(strategy, at, _)| (*strategy, *at) == (&row.strategy, &row.point[1..])) {
            Some((_, _, group)) => group.push(tried),
            None => groups.push((&row.strategy, &row.point[1..], vec![tried])),
        }
    }
    groups.into_iter().map(|(strategy, at, tried)| limit(strategy, at, &tried, 0)).collect()
}

/// A limit by what has been tried.
pub fn limit(strategy: &str, at: &[String], tried: &[Tried], probes: u64) -> Limit {
    let Bracket { holds, fails, fails_below } = bracket(tried);
    Limit { strategy: strategy.to_owned(), at: at.to_vec(), holds, fails, fails_below, probes }
}

/// Whether everything held with every seed.
pub fn held(row: &SweepRow) -> bool {
    row.judged > 0 && row.held == row.judged
}
