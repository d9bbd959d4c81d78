//! The latency distribution as HdrHistogram prints percentiles, for its plotters.
//!
//! Format: `HistogramLogProcessor` and `outputPercentileDistribution` of HdrHistogram (Gil Tene, hdrhistogram.org). Values are
//! milliseconds; the rows are those of [`Run::latency_ladder`](crate::report::Run::latency_ladder).

use crate::report::{Document, Run};

/// One table per run; where there are several, a comment line says which.
pub fn render(document: &Document) -> String {
    let runs: Vec<_> = document.reports().iter().flat_map(|report| report.runs.iter().map(move |run| (report, run))).collect();
    let mut text = String::new();
    for (report, run) in &runs {
        if runs.len() > 1 {
            text += &format!("# {} · {} · seed {}\n", report.scenario.name, run.balancer(), run.seed);
        }
        text += &table(run);
    }
    text
}

fn table(run: &Run) -> String {
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (quantile, value, count) in &run.latency_ladder {
        text += &format!("{value:12.3} {quantile:2.12} {count:10}");
        text += &if *quantile < 1.0 { format!(" {:14.2}\n", 1.0 / (1.0 - quantile)) } else { "\n".to_owned() };
    }
    let latency = &run.latency_ms;
    let or_zero = |value: Option<f64>| value.unwrap_or(0.0);
    text += &format!("#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n", or_zero(latency.mean), or_zero(latency.stddev));
    text + &format!("#[Max     = {:12.3}, Total count    = {:12}]\n", or_zero(latency.max), latency.count)
}
