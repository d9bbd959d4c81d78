//! `DIST`: the laws of durations and token counts.

use crate::time::Nanos;
use crate::world::dist::Dist;

use super::reader::{Fields, array, non_negative, positive, wrong_type};
use super::sink::Sink;
use super::tree::{Node, Value};
use super::units::{duration, ratio};

/// The 0.99 quantile of the standard normal law.
const Z99: f64 = 2.326_347_874_040_840_8;

/// The largest token count or duration in a law; a bound against overflow, not a meaningful one.
const TOKENS_MAX: f64 = 1e9;

/// What a law is a law of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Durations: strings with a unit, kept in nanoseconds.
    Time,
    /// Token counts: plain numbers.
    Tokens,
}

/// A law of durations, in nanoseconds.
pub(super) fn time(node: &Node, sink: &mut Sink) -> Option<Dist> {
    Quantity::Time.dist(node, sink)
}

/// A law of token counts.
pub(super) fn tokens(node: &Node, sink: &mut Sink) -> Option<Dist> {
    Quantity::Tokens.dist(node, sink)
}

/// A law of times to first token: the law of a request without input, and by which fraction of it each input token adds.
///
/// `{ p50, p99, per_1k_input }` means: the median is `p50` + `per_1k_input` × input tokens / 1000, and all other
/// quantiles grow in proportion. Any other law is the same for every input.
pub(super) fn first_token(node: &Node, sink: &mut Sink) -> Option<(Dist, f64)> {
    if !matches!(node.value, Value::Table(_)) {
        return time(node, sink).map(|dist| (dist, 0.0));
    }
    let fields = Fields::of(node, "the distribution", super::keys::TTFT, sink)?;
    if fields.has("per_1k_input") && !fields.has("p50") {
        sink.error(fields.key_span("per_1k_input"), "conflict", "`per_1k_input` goes with `p50` and `p99`")
            .help("the median is p50 + per_1k_input × input tokens / 1000");
        return None;
    }
    let per_thousand = fields.read("per_1k_input", sink, duration);
    let dist = Quantity::Time.law(&fields, sink)?;
    if !fields.has("per_1k_input") {
        return Some((dist, 0.0));
    }
    let (median, per_thousand) = (median(&dist), per_thousand?);
    if median == 0.0 && per_thousand > Nanos::ZERO {
        sink.error(fields.key_span("p50"), "bad-distribution", "a median of 0 cannot grow in proportion to the input")
            .help("give a p50 above 0, such as \"1ms\"");
        return None;
    }
    Some((dist, if median == 0.0 { 0.0 } else { per_thousand.as_f64() / 1000.0 / median }))
}

/// The median of a law given by `p50` and `p99`, its slow mode aside.
fn median(dist: &Dist) -> f64 {
    match dist {
        Dist::Slow { base, .. } => median(base),
        Dist::LogNormal { mu, .. } => libm::exp(*mu),
        other => other.mean(),
    }
}

impl Quantity {
    fn dist(self, node: &Node, sink: &mut Sink) -> Option<Dist> {
        if !matches!(node.value, Value::Table(_)) {
            return self.scalar(node, sink).map(Dist::Fixed);
        }
        let fields = Fields::of(node, "the distribution", super::keys::DIST, sink)?;
        self.law(&fields, sink)
    }

    /// The one law that a table states.
    fn law(self, fields: &Fields<'_>, sink: &mut Sink) -> Option<Dist> {
        const FORMS: [&str; 5] = ["exponential", "uniform", "lognormal", "gamma", "mixture"];
        let forms: Vec<&'static str> = FORMS.into_iter().filter(|form| fields.has(form)).collect();
        let percentiles = fields.has("p50") || fields.has("p99");
        match (forms.as_slice(), percentiles) {
            ([], true) => self.percentiles(fields, sink),
            ([form], false) => {
                if fields.has("slow") {
                    sink.error(fields.key_span("slow"), "conflict", "`slow` goes with `p50` and `p99`");
                    return None;
                }
                fields.read(form, sink, |node, sink| self.form(form, node, sink))
            }
            ([], false) => {
                // An unknown key has been reported and is the likely reason; an empty table has none.
                if fields.is_empty() || fields.has("slow") {
                    sink.error(fields.span, "bad-distribution", "a distribution without a law").help(HELP);
                }
                None
            }
            _ => {
                sink.error(fields.span, "conflict", "a distribution with more than one law").help(HELP);
                None
            }
        }
    }

    /// One value: the unit depends on the quantity.
    fn scalar(self, node: &Node, sink: &mut Sink) -> Option<f64> {
        match self {
            Quantity::Time => duration(node, sink).map(|duration| duration.as_f64()),
            Quantity::Tokens => non_negative(node, TOKENS_MAX, sink),
        }
    }

    fn percentiles(self, fields: &Fields<'_>, sink: &mut Sink) -> Option<Dist> {
        let p50 = fields.require("p50", "the median, `p50 = …`", sink, |node, sink| self.scalar(node, sink));
        let p99 = fields.require("p99", "the 99th percentile, `p99 = …`", sink, |node, sink| self.scalar(node, sink));
        let slow = fields.read("slow", sink, slow_mode);
        let (p50, p99) = (p50?, p99?);
        if p99 < p50 {
            sink.error(fields.key_span("p99"), "bad-distribution", "p99 is below p50")
                .help("99 % of the values lie below p99, 50 % below p50");
            return None;
        }
        if p50 == 0.0 && p99 > 0.0 {
            sink.error(fields.key_span("p50"), "bad-distribution", "a log-normal law with a median of 0 is 0 everywhere")
                .help("give a p50 above 0, or a p99 of 0 too");
            return None;
        }
        let base = if p50 == p99 { Dist::Fixed(p50) } else { Dist::LogNormal { mu: libm::log(p50), sigma: libm::log(p99 / p50) / Z99 } };
        if fields.has("slow") {
            let (share, factor) = slow?;
            return Some(Dist::Slow { base: Box::new(base), share, factor });
        }
        Some(base)
    }

    fn form(self, form: &str, node: &Node, sink: &mut Sink) -> Option<Dist> {
        match form {
            "exponential" => self.scalar(node, sink).map(|mean| Dist::Exponential { mean }),
            "uniform" => self.uniform(node, sink),
            "mixture" => self.mixture(node, sink),
            _ => {
                let fields = Fields::of(node, "the distribution", super::keys::MEAN_CV, sink)?;
                let mean = fields.require("mean", "`mean = …`", sink, |node, sink| self.scalar(node, sink));
                let cv = fields.require("cv", "the coefficient of variation, `cv = 1.0`", sink, |node, sink| non_negative(node, 1e6, sink));
                let (mean, cv) = (mean?, cv?);
                Some(if form == "gamma" { gamma(mean, cv) } else { lognormal(mean, cv) })
            }
        }
    }

    fn uniform(self, node: &Node, sink: &mut Sink) -> Option<Dist> {
        let Value::Array(ends) = &node.value else {
            wrong_type(node, "an array of the two ends", sink);
            return None;
        };
        let [low, high] = ends.as_slice() else {
            sink.error(node.span, "bad-distribution", "a uniform law has two ends").help("`uniform = [low, high]`");
            return None;
        };
        let (low, high) = (self.scalar(low, sink), self.scalar(high, sink));
        let (low, high) = (low?, high?);
        if low > high {
            sink.error(node.span, "bad-distribution", "the lower end of a uniform law is above the upper end");
            return None;
        }
        Some(Dist::Uniform { low, high })
    }

    fn mixture(self, node: &Node, sink: &mut Sink) -> Option<Dist> {
        let parts = array(node, "`{ weight, value }` tables", sink, |part, sink| {
            let fields = Fields::of(part, "the mixture", super::keys::MIXTURE, sink)?;
            let weight = fields.require("weight", "`weight = 1`", sink, |node, sink| positive(node, 1e9, sink));
            let value = fields.require("value", "`value = …`", sink, |node, sink| self.dist(node, sink));
            Some((weight?, value?))
        })?;
        let sum: f64 = parts.iter().map(|(weight, _)| weight).sum();
        (!parts.is_empty()).then(|| Dist::Mixture(parts.into_iter().map(|(weight, value)| (weight / sum, value)).collect()))
    }
}

const HELP: &str = "one of: `{ p50, p99 }`, `{ exponential }`, `{ uniform }`, `{ lognormal }`, `{ gamma }`, `{ mixture }`";

/// `slow = { share, factor }`.
fn slow_mode(node: &Node, sink: &mut Sink) -> Option<(f64, f64)> {
    let fields = Fields::of(node, "`slow`", super::keys::SLOW, sink)?;
    let share = fields.require("share", "`share = \"2%\"`", sink, ratio);
    let factor = fields.require("factor", "`factor = 6`", sink, |node, sink| positive(node, 1e6, sink));
    Some((share?, factor?))
}

/// From mean m and coefficient of variation c: σ² = ln(1 + c²), μ = ln m − σ²/2 (Johnson, Kotz, Balakrishnan:
/// Continuous Univariate Distributions 1, chapter 14).
fn lognormal(mean: f64, cv: f64) -> Dist {
    if mean == 0.0 || cv == 0.0 {
        return Dist::Fixed(mean);
    }
    let variance = libm::log1p(cv * cv);
    Dist::LogNormal { mu: libm::log(mean) - variance / 2.0, sigma: libm::sqrt(variance) }
}

/// From mean m and coefficient of variation c: shape 1/c², scale m·c² (the same, chapter 17).
fn gamma(mean: f64, cv: f64) -> Dist {
    if mean == 0.0 || cv == 0.0 {
        return Dist::Fixed(mean);
    }
    Dist::Gamma { shape: 1.0 / (cv * cv), scale: mean * cv * cv }
}
