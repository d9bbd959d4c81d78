//! Baselines: text that reads back, and what counts as a difference.

use super::*;

fn entry(figures: &[(&str, Figure)]) -> Entry {
    let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect();
    Entry { digest: "abc".to_owned(), seed: 42, seeds: 1, figures }
}

fn sampled_around(mean: f64) -> Figure {
    Figure::Sampled { mean, stddev: 10.0, count: 20 }
}

/// Sorted, a line a figure, and read back to the last bit, whatever the names hold.
#[test]
fn the_text_reads_back_as_the_same() {
    let one =
        entry(&[("share(a \"b\")", Figure::Exact(0.1 + 0.2)), ("failed", Figure::Exact(0.0)), ("latency_p99", sampled_around(1e-300))]);
    let scenarios = [("z.z", one.clone()), ("a", one)].map(|(name, entry)| (name.to_owned(), entry));
    let baseline = Baseline { scenarios: scenarios.into_iter().collect() };
    let text = baseline.to_text();
    assert_eq!(Baseline::parse(&text).expect("its own text"), baseline);
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("[\"a\"]")).take(7).collect();
    let wanted = [
        "[\"a\"]",
        "digest = \"abc\"",
        "seed = 42",
        "seeds = 1",
        "\"failed\" = 0.0",
        "\"latency_p99\" = { mean = 1e-300, stddev = 10.0, runs = 20 }",
        "'share(a \"b\")' = 0.30000000000000004",
    ];
    assert_eq!(lines, wanted);
}

/// What is no baseline is refused with its place.
#[test]
fn mistakes_are_named() {
    for (text, words) in [
        ("format = ", "line 1"),
        ("", "`format` is not 1"),
        ("format = 2", "`format` is not 1"),
        ("format = 1\nweighted = 3", "`weighted` is not a table"),
        ("format = 1\n[weighted]\nseed = 1\nseeds = 1", "`weighted.digest` is not a text"),
        ("format = 1\n[weighted]\ndigest = \"a\"\nseed = -1\nseeds = 1", "`weighted.seed` is not a whole number"),
        ("format = 1\n[weighted]\ndigest = \"a\"\nseed = 1\nseeds = 1\nshed = \"x\"", "`weighted.shed` is not a figure"),
        ("format = 1\n[weighted]\ndigest = \"a\"\nseed = 1\nseeds = 1\nshed = nan", "`weighted.shed` is not a figure"),
    ] {
        let message = Baseline::parse(text).expect_err(text).to_string();
        assert!(message.contains(words), "{text}: {message}");
    }
}

/// Of one seed the last digit counts; a figure that only one side has is named.
#[test]
fn exact_figures_have_to_be_equal() {
    let was = entry(&[("share(alpha)", Figure::Exact(0.5)), ("failed", Figure::Exact(3.0)), ("cost", Figure::Exact(1.0))]);
    assert_eq!(was.differences(&was), []);
    let now = entry(&[("share(alpha)", Figure::Exact(0.5 + 1e-15)), ("failed", Figure::Exact(3.0)), ("shed", Figure::Exact(0.0))]);
    let found = was.differences(&now);
    let names: Vec<_> = found.iter().map(|one| (one.metric.as_str(), one.provider.as_deref(), one.got)).collect();
    assert_eq!(names, [("cost", None, None), ("share", Some("alpha"), Some(0.500_000_000_000_001)), ("shed", None, Some(0.0))]);
    assert_eq!((found[1].want.as_str(), found[1].verdict), ("50% (baseline)", crate::report::Verdict::Fail));
}

/// Of several seeds a difference counts where it is neither noise nor a trifle. With a standard deviation of 10 over 20 runs
/// each the half width is 2.024 · √(2 · 100/20) = 6.40.
#[test]
fn sampled_figures_may_scatter() {
    let differs = |was: f64, now: f64| {
        let of = |mean| entry(&[("latency_p99", sampled_around(mean))]);
        !of(was).differences(&of(now)).is_empty()
    };
    assert!(!differs(100.0, 106.3) && differs(100.0, 106.5) && differs(100.0, 93.5));
    // One percent of 1,000 is 10, more than the noise.
    assert!(!differs(1_000.0, 1_009.9) && differs(1_000.0, 1_010.1));
}

/// Every metric of the catalogue but the wall clock's, of the run and of each provider where it can be asked of them.
#[test]
fn probes_cover_the_catalogue() {
    let probes = probes(2);
    let asked = |metric: Metric| probes.iter().filter(|probe| probe.metric == metric).count();
    for name in Metric::names() {
        let metric = Metric::parse(&name).expect("a name of the catalogue");
        let wanted = usize::from(!metric.needs_provider()) + if metric.allows_provider() { 2 } else { 0 };
        assert_eq!(asked(metric), if metric.is_wall() { 0 } else { wanted }, "{name}");
    }
}
