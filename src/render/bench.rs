//! What decisions cost, for `lbsim bench`.

use super::View;
use super::human::Page;
use super::json::{pretty, schema_of};
use super::number::{count, nanos, plural, ratio};
use super::table::{Column, Table};
use super::text::Tone;
use crate::report::{Bench, PoolCost, Spread, StrategyCost, Verdict};

/// For a terminal: a table for each number of threads with a column for each pool size, or with `-v` a row for each figure;
/// then what was judged. Ends with a newline, and no line is wider than `view.width`.
pub fn human(bench: &Bench, view: &View) -> String {
    let mut page = Page::new(view);
    head(&mut page, bench);
    if !view.quiet {
        if view.verbose {
            page.blank();
            page.table(&rows(bench));
        } else {
            for pools in bench.pools.chunk_by(|one, other| one.threads == other.threads) {
                page.blank();
                page.table(&table(pools));
            }
        }
        page.blank();
    }
    judged(&mut page, bench);
    if !view.quiet {
        unsent(&mut page, bench);
        noise(&mut page, bench);
        origin(&mut page, bench);
    }
    page.into_text()
}

/// The whole of it.
pub fn json(bench: &Bench) -> String {
    pretty(bench)
}

/// The JSON Schema of [`json`].
pub fn schema() -> String {
    schema_of::<Bench>()
}

/// A table with a row for each figure.
pub fn markdown(bench: &Bench) -> String {
    rows(bench).markdown()
}

fn word(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Pass => ("PASS", Tone::Good),
        Verdict::Fail => ("FAIL", Tone::Bad),
        Verdict::Noisy | Verdict::NoData => ("NOISY", Tone::Unsure),
        Verdict::Incomplete => ("INCOMPLETE", Tone::Unsure),
        Verdict::None => ("BENCH", Tone::Strong),
    }
}

fn head(page: &mut Page<'_>, bench: &Bench) {
    let (word, tone) = word(bench.verdict);
    let facts = [
        "ns per pick + settle".to_owned(),
        format!("median of {}", plural(bench.pools.iter().map(|pool| pool.rounds).max().unwrap_or(0) as u64, "round")),
        match bench.limits.as_str() {
            "none" => "no limits".to_owned(),
            algorithm => format!("rpm and tpm as {algorithm}s").replace('-', " "),
        },
        format!("{} in flight a thread", count(bench.in_flight as u64)),
    ];
    page.items(&format!("{word}  "), &facts, word.len() + 2, tone);
    if bench.verdict == Verdict::Incomplete {
        page.paragraph("interrupted: only the rounds that were whole by then are counted", word.len() + 2, Tone::Unsure);
    }
}

/// One number of threads: a row for each strategy, a column for each pool size.
fn table(pools: &[PoolCost]) -> Table {
    let threads = plural(pools[0].threads as u64, "thread");
    let mut columns = vec![Column::named(threads)];
    columns.extend(pools.iter().map(|pool| Column::named_figure(plural(pool.providers as u64, "provider"))));
    let mut table = Table::new(&columns);
    for (index, first) in pools[0].strategies.iter().enumerate() {
        let cells = pools.iter().map(|pool| whole(pool.strategies[index].ns.median));
        table.row(worst(pools.iter().map(|pool| &pool.strategies[index])), [first.strategy.clone()].into_iter().chain(cells).collect());
    }
    table
}

/// Everything: a row for each figure.
fn rows(bench: &Bench) -> Table {
    let mut table = Table::new(&[
        Column::text("strategy"),
        Column::figure("providers"),
        Column::figure("threads"),
        Column::figure("ns"),
        Column::figure("95 % interval"),
        Column::figure("lowest").dispensable(1),
        Column::figure("ratio"),
        Column::figure("95 % interval").dispensable(2),
    ]);
    for pool in &bench.pools {
        for cost in &pool.strategies {
            table.row(
                worst([cost].into_iter()),
                vec![
                    cost.strategy.clone(),
                    count(pool.providers as u64),
                    count(pool.threads as u64),
                    whole(cost.ns.median),
                    format!("{}–{}", whole(cost.ns.low), whole(cost.ns.high)),
                    whole(cost.ns.lowest),
                    times(cost.ratio.median),
                    format!("{}–{}", times(cost.ratio.low), times(cost.ratio.high)),
                ],
            );
        }
    }
    table
}

fn worst<'b>(mut costs: impl Iterator<Item = &'b StrategyCost>) -> Tone {
    if costs.any(|cost| cost.verdict == Some(Verdict::Fail)) { Tone::Bad } else { Tone::Plain }
}

/// A line for each figure that is not surely within the most that was asked for.
fn judged(page: &mut Page<'_>, bench: &Bench) {
    let most = match (bench.at_most_ns, bench.at_most_ratio) {
        (Some(ns), _) => nanos(ns),
        (_, Some(ratio)) => format!("{}x {}", times(ratio), bench.pools[0].strategies[0].strategy),
        (None, None) => return,
    };
    let all: Vec<(&PoolCost, &StrategyCost)> =
        bench.pools.iter().flat_map(|pool| pool.strategies.iter().map(move |cost| (pool, cost))).collect();
    for (pool, cost) in all.iter().filter(|(pool, cost)| cost.verdict != Some(Verdict::Pass) && !pool.noisy) {
        let (word, tone) = word(cost.verdict.unwrap_or(Verdict::Noisy));
        let got = if bench.at_most_ns.is_some() { interval(&cost.ns, whole, " ns") } else { interval(&cost.ratio, times, "x") };
        let place = place(pool);
        page.paragraph(&format!("{word} {}, {place}: {got}, at most {most}", cost.strategy), word.len() + 1, tone);
    }
    let passed = all.iter().filter(|(_, cost)| cost.verdict == Some(Verdict::Pass)).count();
    page.paragraph(&format!("{passed} of {} at most {most}", plural(all.len() as u64, "figure")), 0, Tone::Plain);
}

/// Which pool, and by how many threads.
fn place(pool: &PoolCost) -> String {
    format!("{}, {}", plural(pool.providers as u64, "provider"), plural(pool.threads as u64, "thread"))
}

/// Median and interval.
fn interval(spread: &Spread, text: fn(f64) -> String, unit: &str) -> String {
    format!("{}{unit} ({}–{})", text(spread.median), text(spread.low), text(spread.high))
}

/// Picks that were not what was to be measured.
fn unsent(page: &mut Page<'_>, bench: &Bench) {
    for pool in &bench.pools {
        for cost in pool.strategies.iter().filter(|cost| cost.unsent > 0) {
            let place = place(pool);
            let text = format!("{}, {place}: {} found no provider, and cost something else", cost.strategy, plural(cost.unsent, "pick"));
            page.paragraph(&text, 2, Tone::Unsure);
        }
    }
}

/// How far A was from A.
fn noise(page: &mut Page<'_>, bench: &Bench) {
    let far = bench.pools.iter().map(|pool| pool.spread).fold(0.0, f64::max);
    let first = &bench.pools[0].strategies[0].strategy;
    let noisy: Vec<&PoolCost> = bench.pools.iter().filter(|pool| pool.noisy).collect();
    let told = format!("A against A: {first}, measured as two, differs by at most {}", ratio(far));
    if noisy.is_empty() {
        page.paragraph(&format!("{told} ({} asked for)", ratio(bench.resolution)), 0, Tone::Plain);
        return;
    }
    let places: Vec<String> = noisy.iter().map(|pool| format!("{} × {}", count(pool.providers as u64), pool.threads)).collect();
    let text = format!(
        "NOISY {told}: more than the {} asked for at (providers × threads) {}, so nothing is judged there. Quieten the machine, or give more \
         --rounds, fewer --threads or a coarser --resolution",
        ratio(bench.resolution),
        places.join(", ")
    );
    page.paragraph(&text, 6, Tone::Unsure);
}

/// What the times are.
fn origin(page: &mut Page<'_>, bench: &Bench) {
    let loops = bench.pools.iter().map(|pool| pool.loop_ns).fold(0.0, f64::max);
    let text = format!(
        "wall clock of this machine; the loop around the decisions, {} at most, is subtracted. Here a mutex is locked and unlocked in {}, and \
         the clock read in {}",
        nanos(loops),
        nanos(bench.lock_ns),
        nanos(bench.timer_ns as f64)
    );
    page.paragraph(&text, 0, Tone::Quiet);
}

/// Whole ns from 10 on.
fn whole(ns: f64) -> String {
    if ns < 9.95 { format!("{ns:.1}") } else { count(ns.round() as u64) }
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2}")
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;

    fn about(median: f64) -> Spread {
        Spread { lowest: median * 0.9, median, low: median * 0.98, high: median * 1.02 }
    }

    fn sample(at_most_ns: Option<f64>, spread: f64) -> Bench {
        let verdict = |ns: f64| at_most_ns.map(|most| if ns > most { Verdict::Fail } else { Verdict::Pass });
        let cost = |strategy: &str, ns: f64| StrategyCost {
            strategy: strategy.to_owned(),
            ns: about(ns),
            ratio: about(ns / 70.0),
            unsent: 0,
            verdict: verdict(ns),
        };
        let pool = |providers, threads, times: f64| PoolCost {
            providers,
            threads,
            rounds: 100,
            window_s: 60.0,
            loop_ns: 4.2,
            spread: spread * times,
            noisy: spread * times > 0.1,
            strategies: vec![cost("round-robin", 70.0 * times), cost("consistent-hash", 94.4 * times)],
        };
        Bench {
            format: 1,
            lbsim: "0.1.0".to_owned(),
            verdict: if at_most_ns.is_some() { Verdict::Fail } else { Verdict::None },
            limits: "fixed-window".to_owned(),
            in_flight: 64,
            requests_per_s: 1_000.0,
            resolution: 0.1,
            at_most_ns,
            at_most_ratio: None,
            timer_ns: 20,
            lock_ns: 4.4,
            pools: vec![pool(3, 1, 1.0), pool(1_000, 1, 20.0), pool(3, 2, 3.0), pool(1_000, 2, 30.0)],
        }
    }

    fn view(width: usize, verbose: bool) -> View {
        View { width, color: false, quiet: false, verbose, gate: false }
    }

    #[test]
    fn a_column_for_each_pool_and_a_table_for_each_number_of_threads() {
        let text = human(&sample(None, 0.003), &view(80, false));
        let want = "\
BENCH  ns per pick + settle · median of 100 rounds
       rpm and tpm as fixed windows · 64 in flight a thread

1 thread         3 providers  1,000 providers
─────────────────────────────────────────────
round-robin               70            1,400
consistent-hash           94            1,888

2 threads        3 providers  1,000 providers
─────────────────────────────────────────────
round-robin              210            2,100
consistent-hash          283            2,832

A against A: round-robin, measured as two, differs by at most 9.00 % (10.00 %
asked for)
wall clock of this machine; the loop around the decisions, 4.20 ns at most, is
subtracted. Here a mutex is locked and unlocked in 4.40 ns, and the clock read
in 20 ns
";
        assert_eq!(text, want);
    }

    #[test]
    fn what_is_too_slow_is_named_and_what_is_noisy_is_not_judged() {
        let text = human(&sample(Some(100.0), 0.001), &view(80, false));
        assert!(text.starts_with("FAIL  ns per pick"), "{text}");
        assert!(text.contains("\nFAIL round-robin, 3 providers, 2 threads: 210 ns (206–214), at most 100 ns\n"), "{text}");
        assert!(text.contains("\n2 of 8 figures at most 100 ns\n"), "{text}");
        let text = human(&sample(Some(100.0), 0.05), &view(80, false));
        assert!(!text.contains("FAIL round-robin"), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("NOISY A against A") && words.contains("1,000 × 1, 3 × 2, 1,000 × 2, so"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        for (width, verbose) in [(40, false), (40, true), (60, true), (92, true)] {
            let text = human(&sample(Some(100.0), 0.02), &view(width, verbose));
            assert!(text.lines().all(|line| measure_text_width(line) <= width), "{width}\n{text}");
        }
    }

    #[test]
    fn markdown_and_json_have_every_figure() {
        let bench = sample(None, 0.0);
        assert_eq!(markdown(&bench).lines().count(), 2 + 8);
        assert!(markdown(&bench).contains("| round-robin | 1,000 | 2 | 2,100 | 2,058–2,142 | 1,890 | 30.00 | 29.40–30.60 |\n"));
        assert_eq!(serde_json::from_str::<Bench>(&json(&bench)).unwrap(), bench);
    }
}
