//! Tolerances from theory: every statistical check fails a correct simulator about once in 10,000 seeds.

use lbsim::drive::Plan;
use lbsim::gate::run::{Options, run};
use lbsim::report::Run;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use crate::world::World;

/// False-alarm rate of one check.
pub const ALPHA: f64 = 1e-4;

/// The first seed of every test: `TRUTH_SEED` tries others.
pub fn first_seed() -> u64 {
    std::env::var("TRUTH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A run that has kept the laws of every run.
pub fn lawful(plan: &Plan) -> Run {
    let run = run(plan, &[], Options::default()).expect("the plan is valid").run;
    crate::laws::hold_in(plan, &run);
    run
}

/// Independent replications of a world: means over seeds with Student's interval, which needs no model of the
/// autocorrelation within a run.
pub struct Replications {
    runs: Vec<Run>,
}

/// Runs a world under `count` consecutive seeds, on two threads.
pub fn replicate(world: &World, count: u64) -> Replications {
    let seeds: Vec<u64> = (0..count).map(|i| first_seed() * 1_000 + i).collect();
    let (left, right) = seeds.split_at(seeds.len() / 2);
    let all = |seeds: &[u64]| seeds.iter().map(|seed| lawful(&world.clone().seed(*seed).plan)).collect::<Vec<_>>();
    let runs = std::thread::scope(|scope| {
        let right = scope.spawn(|| all(right));
        let mut runs = all(left);
        runs.extend(right.join().expect("the other half of the seeds runs as well"));
        runs
    });
    Replications { runs }
}

impl Replications {
    /// The runs.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The mean of `figure` is `want`: within t_{R−1, 1−α/2} standard errors, and the interval is not wider than
    /// `resolution` × `want`, so that the check says something.
    pub fn expect(&self, what: &str, want: f64, resolution: f64, figure: impl Fn(&Run) -> f64) {
        let values: Vec<f64> = self.runs.iter().map(figure).collect();
        expect_mean(&format!("{what} from seed {}", self.runs[0].seed), &values, want, resolution);
    }

    /// `better` has a smaller mean than `self`, seed by seed (common random numbers): the paired interval excludes zero.
    pub fn expect_above(&self, what: &str, better: &Replications, figure: impl Fn(&Run) -> f64) {
        let differences: Vec<f64> = self.runs.iter().zip(&better.runs).map(|(worse, better)| figure(worse) - figure(better)).collect();
        let (mean, half) = interval(&differences);
        assert!(mean > half, "{what}: difference {mean} ± {half} (from seed {})", self.runs[0].seed);
    }

    /// Both have the same mean: the paired interval contains zero and is not wider than `resolution`.
    pub fn expect_same(&self, what: &str, other: &Replications, resolution: f64, figure: impl Fn(&Run) -> f64) {
        let differences: Vec<f64> = self.runs.iter().zip(&other.runs).map(|(one, other)| figure(one) - figure(other)).collect();
        let (mean, half) = interval(&differences);
        assert!(mean.abs() <= half && half <= resolution, "{what}: difference {mean} ± {half} (from seed {})", self.runs[0].seed);
    }
}

/// Mean and half width of its interval.
fn interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0).expect("at least two replications").inverse_cdf(1.0 - ALPHA / 2.0);
    (mean, t * (variance / n).sqrt())
}

/// `hits` of `n` independent trials agree with probability `p`: exact tails are not needed at these counts, so the
/// normal approximation with α = 10⁻⁴ (3.9 standard deviations) and a continuity correction.
pub fn expect_binomial(what: &str, hits: u64, n: u64, p: f64) {
    let z = Normal::standard().inverse_cdf(1.0 - ALPHA / 2.0);
    let (mean, deviation) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
    assert!((hits as f64 - mean).abs() <= z * deviation + 0.5, "{what}: {hits} of {n}, not {mean} ± {}", z * deviation);
}

/// Counts of independent draws agree with probabilities: χ² at α.
pub fn expect_multinomial(what: &str, counts: &[u64], probabilities: &[f64]) {
    let n = counts.iter().sum::<u64>() as f64;
    let chi2: f64 = counts.iter().zip(probabilities).map(|(count, p)| (*count as f64 - n * p).powi(2) / (n * p)).sum();
    let limit = ChiSquared::new(counts.len() as f64 - 1.0).expect("at least two cells").inverse_cdf(1.0 - ALPHA);
    assert!(chi2 <= limit, "{what}: {counts:?} for {probabilities:?} has χ² {chi2} > {limit}");
}

/// The mean of independent `values` is `want` by Student's interval, which is not wider than `resolution` × `want`.
pub fn expect_mean(what: &str, values: &[f64], want: f64, resolution: f64) {
    expect_mean_within(what, values, want, 0.0, resolution);
}

/// Like [`expect_mean`], where theory itself is only known to within `bias`.
pub fn expect_mean_within(what: &str, values: &[f64], want: f64, bias: f64, resolution: f64) {
    let (mean, half) = interval(values);
    assert!((mean - want).abs() <= half + bias, "{what}: {mean} ± {half}, not {want} ± {bias}");
    // The estimated deviation itself varies, by a fifth at ten replications: up to 1.8 times the stated resolution passes.
    assert!(half <= 1.8 * resolution * want, "{what}: {mean} ± {half} is too wide to say anything (wanted ±{})", resolution * want);
}
