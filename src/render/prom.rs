//! OpenMetrics text, for a Prometheus textfile collector or a push gateway. All samples are gauges: a result does not grow.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::report::{Document, ProviderRun, Quantiles, Report, Run, Verdict};

/// The text, which ends with `# EOF`.
pub fn render(document: &Document) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families(document))));
    let mut out = String::new();
    text::encode(&mut out, &registry).expect("memory takes every byte");
    out
}

type Labels = Vec<(String, String)>;

/// Samples of one name.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Labels, f64)>,
}

/// The crate's own families keep their samples in a hash map, whose order changes from run to run.
#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, samples } in self.0.iter().filter(|family| !family.samples.is_empty()) {
            let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, value) in samples {
                ConstGauge::new(*value).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

fn families(document: &Document) -> Vec<Family> {
    let mut requests = family("lbsim_requests", "Measured requests by how they ended");
    let mut attempts = family("lbsim_attempts", "Attempts of measured requests by provider and how they ended");
    let mut share = family("lbsim_share_ratio", "Attempts at the provider over all attempts");
    let mut target = family("lbsim_target_share_ratio", "Share that the provider should get");
    let mut latency = family("lbsim_latency_seconds", "Intended arrival to last byte, successful requests");
    let mut ttft = family("lbsim_ttft_seconds", "Intended arrival to first token, successful requests");
    let mut goodput = family("lbsim_goodput_per_second", "Requests within every objective per second");
    let mut efficiency = family("lbsim_efficiency_ratio", "Goodput over the upper bound of any balancer");
    let mut holds = family("lbsim_expectation_holds", "1 where an expectation holds, 0 where it does not or has no data");
    for (report, run) in document.reports().iter().flat_map(|report| report.runs.iter().map(move |run| (report, run))) {
        let labels = labels(report, run);
        requests.samples.extend(ends(run).map(|(end, count)| (with(&labels, &[("end", end)]), count as f64)));
        for provider in &run.providers {
            let labels = with(&labels, &[("provider", &provider.name)]);
            attempts.samples.extend(results(provider).map(|(result, count)| (with(&labels, &[("result", result)]), count as f64)));
            share.samples.extend(provider.share.map(|share| (labels.clone(), share)));
            target.samples.extend(provider.target_share.map(|share| (labels.clone(), share)));
        }
        latency.samples.extend(quantiles(&run.latency_ms, &labels));
        ttft.samples.extend(quantiles(&run.ttft_ms, &labels));
        goodput.samples.extend(run.efficiency.goodput_per_s.map(|goodput| (labels.clone(), goodput)));
        efficiency.samples.extend(run.efficiency.ratio.map(|ratio| (labels.clone(), ratio)));
        for (position, expectation) in run.expectations.iter().enumerate() {
            // The position tells two expectations on one metric apart.
            let position = position.to_string();
            let more = [
                ("index", position.as_str()),
                ("metric", &expectation.metric),
                ("provider", expectation.provider.as_deref().unwrap_or("")),
                ("during", expectation.during.as_deref().unwrap_or("")),
                ("class", expectation.class.as_deref().unwrap_or("")),
            ];
            holds.samples.push((with(&labels, &more), f64::from(u8::from(expectation.verdict == Verdict::Pass))));
        }
    }
    vec![requests, attempts, share, target, latency, ttft, goodput, efficiency, holds]
}

fn family(name: &'static str, help: &'static str) -> Family {
    Family { name, help, samples: Vec::new() }
}

fn labels(report: &Report, run: &Run) -> Labels {
    let seed = run.seed.to_string();
    let mut labels = vec![("scenario", report.scenario.name.as_str()), ("strategy", &run.strategy), ("seed", &seed)];
    labels.extend(run.target().map(|target| ("gateway", target.called())));
    with(&Vec::new(), &labels)
}

fn with(labels: &Labels, more: &[(&str, &str)]) -> Labels {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    labels.iter().cloned().chain(more).collect()
}

fn ends(run: &Run) -> impl Iterator<Item = (&'static str, u64)> {
    let requests = &run.requests;
    [("succeeded", requests.succeeded), ("failed", requests.failed), ("shed", requests.shed), ("unfinished", requests.unfinished)]
        .into_iter()
}

fn results(provider: &ProviderRun) -> impl Iterator<Item = (&'static str, u64)> {
    [("succeeded", provider.succeeded), ("rate_limited", provider.rate_limited), ("error", provider.errors), ("timeout", provider.timeouts)]
        .into_iter()
}

fn quantiles(times: &Quantiles, labels: &Labels) -> impl Iterator<Item = (Labels, f64)> {
    let figures =
        [("0.5", times.p50), ("0.9", times.p90), ("0.95", times.p95), ("0.99", times.p99), ("0.999", times.p999), ("1", times.max)];
    figures.into_iter().filter_map(|(name, value)| Some((with(labels, &[("q", name)]), value? / 1e3)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    /// A type line before the samples of each name, each sample once, labels escaped, `# EOF` at the end; and the same
    /// bytes twice.
    #[test]
    fn the_text_is_open_metrics() {
        let mut report = sample::report();
        report.scenario.name = "say \"hi\"\\\n".to_owned();
        let document = Document::One(report);
        let text = render(&document);
        assert_eq!(text, render(&document));
        assert!(text.ends_with("# EOF\n"));
        assert!(text.contains(r#"scenario="say \"hi\"\\\n""#), "{text}");
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut names: Vec<&str> = samples.iter().map(|line| line.split(['{', ' ']).next().expect("a name")).collect();
        names.dedup();
        for name in &names {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "the samples of {name} stand together");
            assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{name}");
        }
        let mut series: Vec<&str> = samples.iter().map(|line| line.rsplit_once(' ').expect("a value").0).collect();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), samples.len(), "no series twice");
    }
}
