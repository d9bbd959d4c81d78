//! Quotas over time, with `-v`.

use super::Page;
use crate::render::number::ratio;
use crate::render::text::Tone;
use crate::report::Run;

/// More providers than this are too many to look at.
const ROWS_MAX: usize = 12;
/// Columns of bars at most.
const BARS_MAX: usize = 60;
/// The longest name that is shown whole.
const NAME_MAX: usize = 20;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    let names = run.providers.iter().map(|provider| provider.name.as_str());
    let rows: Vec<(&str, &[f64])> = names.filter_map(|name| Some((name, run.timeline.providers.get(name)?.quota.as_slice()))).collect();
    let rows: Vec<(&str, &[f64])> = rows.into_iter().filter(|(_, quota)| !quota.is_empty()).collect();
    let Some(longest) = rows.iter().map(|(name, _)| name.chars().count().min(NAME_MAX)).max() else { return };
    let room = page.view.width.saturating_sub(longest + 16).clamp(10, BARS_MAX);
    let intervals = rows[0].1.len();
    let each = intervals.div_ceil(room).max(1);
    page.blank();
    let span = run.timeline.interval_s * each as f64;
    page.line(Tone::Plain, &format!("use of quota over time, a bar for {span} s, a full one 100 % of the tightest rate"));
    for (name, quota) in rows.iter().take(ROWS_MAX) {
        let means: Vec<f64> = quota.chunks(each).map(|some| some.iter().sum::<f64>() / some.len() as f64).collect();
        let most = means.iter().copied().fold(0.0, f64::max);
        let bars: String = means.iter().map(|mean| bar(*mean)).collect();
        page.line(Tone::Plain, &format!("{:<longest$}  {bars}  most {}", short(name), ratio(most)));
    }
    if rows.len() > ROWS_MAX {
        page.line(Tone::Quiet, &format!("and {} more", rows.len() - ROWS_MAX));
    }
}

/// Nothing is blank; anything else shows.
fn bar(share: f64) -> char {
    let eighths = if share > 0.0 { (share * 8.0).round().clamp(1.0, 8.0) } else { 0.0 };
    BARS[eighths as usize]
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_MAX - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends and the middle by hand; an over-full quota is a full bar, and a trace of use is not nothing.
    #[test]
    fn bars_by_hand() {
        assert_eq!([0.0, 0.001, 0.5, 0.99, 1.0, 7.0].map(bar), [' ', '▁', '▄', '█', '█', '█']);
    }
}
