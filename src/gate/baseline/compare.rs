//! New figures against a baseline's.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Entry, Figure, SMALLEST};
use crate::gate::metric::Metric;
use crate::report::{ExpectationResult, Verdict};

/// Two-sided level of the interval.
const CONFIDENCE: f64 = 0.95;

impl Entry {
    /// What differs from this entry, as expectations that do not hold, in order of their names.
    ///
    /// A figure that only one side has differs, too. `self` and `now` are of the same scenario and as many seeds.
    pub fn differences(&self, now: &Entry) -> Vec<ExpectationResult> {
        let names = self.figures.keys().chain(now.figures.keys().filter(|name| !self.figures.contains_key(*name)));
        let mut differences: Vec<ExpectationResult> =
            names.filter_map(|name| difference(name, self.figures.get(name), now.figures.get(name))).collect();
        differences.sort_by(|a, b| (&a.metric, &a.provider).cmp(&(&b.metric, &b.provider)));
        differences
    }
}

fn difference(name: &str, was: Option<&Figure>, now: Option<&Figure>) -> Option<ExpectationResult> {
    let (metric, provider) = match name.split_once('(') {
        Some((metric, rest)) => (metric, Some(rest.strip_suffix(')').unwrap_or(rest).to_owned())),
        None => (name, None),
    };
    let text = |value: f64| match Metric::parse(metric) {
        Some(metric) => metric.unit().text(value),
        None => value.to_string(),
    };
    let cause = match (was, now) {
        (Some(was), Some(now)) if same(was, now) => return None,
        (Some(was), Some(now)) => Some(format!("was {}, is {}", in_full(was), in_full(now))),
        (None, Some(_)) => Some("the baseline has no such figure: save it again".to_owned()),
        (_, None) => Some("there is no such figure any more".to_owned()),
    };
    Some(ExpectationResult {
        simulated: None,
        metric: metric.to_owned(),
        provider,
        during: None,
        class: None,
        want: was.map_or_else(|| "nothing (baseline)".to_owned(), |was| format!("{} (baseline)", text(mean(was)))),
        got: now.map(mean),
        samples: now.map_or(0, count),
        verdict: if now.is_some() { Verdict::Fail } else { Verdict::NoData },
        distance: was.zip(now).map(|(was, now)| mean(now) - mean(was)),
        cause,
        line: None,
    })
}

fn same(was: &Figure, now: &Figure) -> bool {
    let (old, new) = (mean(was), mean(now));
    match (was, now) {
        (Figure::Exact(_), _) | (_, Figure::Exact(_)) => old == new,
        (Figure::Sampled { .. }, Figure::Sampled { .. }) => {
            (new - old).abs() <= SMALLEST * old.abs() || (new - old).abs() <= half_width(was, now)
        }
    }
}

/// Half of the interval of the difference of two means (Welch's t).
fn half_width(a: &Figure, b: &Figure) -> f64 {
    let part = |figure: &Figure| match figure {
        Figure::Sampled { stddev, count, .. } if *count > 0 => (stddev * stddev / *count as f64, count.saturating_sub(1).max(1) as f64),
        _ => (0.0, 1.0),
    };
    let ((a, a_free), (b, b_free)) = (part(a), part(b));
    if a + b == 0.0 {
        return 0.0;
    }
    let free = (a + b).powi(2) / (a * a / a_free + b * b / b_free);
    let t = StudentsT::new(0.0, 1.0, free).map_or(f64::INFINITY, |law| law.inverse_cdf(0.5 + CONFIDENCE / 2.0));
    t * (a + b).sqrt()
}

fn mean(figure: &Figure) -> f64 {
    match figure {
        Figure::Exact(value) => *value,
        Figure::Sampled { mean, .. } => *mean,
    }
}

fn count(figure: &Figure) -> u64 {
    match figure {
        Figure::Exact(_) => 1,
        Figure::Sampled { count, .. } => *count,
    }
}

/// To the last digit, as in the file.
fn in_full(figure: &Figure) -> String {
    match figure {
        Figure::Exact(value) => value.to_string(),
        Figure::Sampled { mean, stddev, count } => format!("{mean} (standard deviation {stddev} over {count} runs)"),
    }
}
