//! Who got what: the distribution table and the fairness of it.

use std::f64::consts::PI;

use super::Page;
use crate::render::number::{count, millis, or_absent, plain, plural, points, ratio};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::{ProviderRun, Run};

/// More providers than this are shown only when asked for.
const SHOWN_MAX: usize = 20;

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    page.blank();
    let shown = shown(run, if page.view.verbose { usize::MAX } else { SHOWN_MAX });
    let mut extras = Vec::new();
    for extra in extra_columns().into_iter().filter(|extra| run.providers.iter().any(|provider| (extra.cell)(provider).is_some())) {
        extras.push(extra);
        if !page.view.verbose && !table(&shown, &extras).fits(page.view.width) {
            extras.pop();
        }
    }
    page.table(&table(&shown, &extras));
    let hidden = run.providers.len() - shown.len();
    if hidden > 0 {
        page.paragraph(&format!("{hidden} more (with -v, and in the JSON); shown are those furthest from their target"), 0, Tone::Quiet);
    }
    page.blank();
    page.labelled("fairness", &fairness(run));
}

/// A column that is shown where there is room, or with `-v`; rows without the figure stay empty.
pub(in crate::render) struct Extra {
    title: &'static str,
    cell: fn(&ProviderRun) -> Option<String>,
}

/// In order of importance.
pub(in crate::render) fn extra_columns() -> Vec<Extra> {
    vec![
        Extra { title: "ejected", cell: |provider| provider.ejections.filter(|ejections| *ejections > 0).map(count) },
        Extra { title: "slots busy", cell: |provider| provider.utilization.map(ratio) },
        Extra { title: "quota used", cell: |provider| provider.quota.and_then(|quota| quota.utilization).map(ratio) },
        Extra { title: "in flight", cell: |provider| provider.in_flight_mean.map(plain) },
        Extra { title: "at most", cell: |provider| Some(count(provider.in_flight_max)) },
        Extra { title: "cost", cell: |provider| provider.cost.map(plain) },
    ]
}

/// The distribution table. `failed` are errors other than 429, and timeouts.
pub(in crate::render) fn table(providers: &[&ProviderRun], extras: &[Extra]) -> Table {
    let mut columns = vec![
        Column::text("provider"),
        Column::figure("weight").dispensable(5),
        Column::figure("share"),
        Column::figure("target").dispensable(4),
        Column::figure("error").dispensable(2),
        Column::figure("attempts"),
        Column::figure("failed"),
        Column::figure("429s"),
        Column::figure("p50").dispensable(3),
        Column::figure("p99").dispensable(1),
    ];
    columns.extend(extras.iter().map(|extra| Column::figure(extra.title).dispensable(9)));
    let mut table = Table::new(&columns);
    for provider in providers {
        let error = provider.share.zip(provider.target_share).map(|(share, target)| share - target);
        let mut cells = vec![
            provider.name.clone(),
            plain(provider.weight),
            or_absent(provider.share, ratio),
            or_absent(provider.target_share, ratio),
            or_absent(error, points),
            count(provider.attempts),
            count(provider.errors + provider.timeouts),
            count(provider.rate_limited),
            or_absent(provider.latency_ms.p50, millis),
            or_absent(provider.latency_ms.p99, millis),
        ];
        cells.extend(extras.iter().map(|extra| (extra.cell)(provider).unwrap_or_default()));
        table.row(Tone::Plain, cells);
    }
    table
}

/// At most `most` providers, those furthest from their target, in file order; without targets the first.
fn shown(run: &Run, most: usize) -> Vec<&ProviderRun> {
    let distance = |provider: &ProviderRun| match (provider.share, provider.target_share) {
        (Some(share), Some(target)) => (share - target).abs(),
        _ => 0.0,
    };
    let mut order: Vec<usize> = (0..run.providers.len()).collect();
    // A stable sort: of equal distances the first in the file.
    order.sort_by(|a, b| distance(&run.providers[*b]).total_cmp(&distance(&run.providers[*a])));
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().map(|index| &run.providers[index]).collect()
}

/// Fairness in words.
pub(in crate::render) fn fairness(run: &Run) -> Vec<String> {
    let Some(misplaced) = run.fairness.total_variation else {
        let why = if run.attempts.total == 0 { "no attempts" } else { "this strategy has no target shares" };
        return vec![why.to_owned()];
    };
    let mut items = vec![format!("{} of {} in the wrong place", ratio(misplaced), plural(run.attempts.total, "attempt"))];
    if let Some(floor) = chance_floor(run) {
        items.push(format!("chance alone (independent draws) would give about {}", ratio(floor)));
    }
    if let Some(worst) = run.fairness.max_share_error {
        items.push(format!("largest error {}", points(worst).trim_start_matches('+')));
    }
    if let Some(p) = run.fairness.chi2_p {
        items.push(format!("chi² p = {}", plain(p)));
    }
    items
}

/// Expected total variation of N independent draws at the target shares: ½ Σ √(2p(1−p)/(πN)), since the mean distance of a
/// binomial count from its mean is about √(2/π) of its standard deviation (de Moivre). `None` without attempts or targets.
fn chance_floor(run: &Run) -> Option<f64> {
    let attempts: u64 = run.providers.iter().map(|provider| provider.attempts).sum();
    let targets: Option<Vec<f64>> = run.providers.iter().map(|provider| provider.target_share).collect();
    let targets = targets.filter(|targets| attempts > 0 && !targets.is_empty())?;
    Some(targets.iter().map(|p| (2.0 * p * (1.0 - p) / (PI * attempts as f64)).max(0.0).sqrt()).sum::<f64>() / 2.0)
}
