//! Closed forms of queueing theory, each with its source, and the tests' own checks of them.

/// Erlang B: the share of arrivals that find all `c` servers busy in M/G/c/c at offered load `a` (Erlang, 1917), by the
/// recursion B(0) = 1, B(k) = aB(k−1) / (k + aB(k−1)).
pub fn erlang_b(c: u32, a: f64) -> f64 {
    (1..=c).fold(1.0, |b, k| a * b / (f64::from(k) + a * b))
}

/// Erlang C: the probability of waiting in M/M/c: B / (1 − ρ(1 − B)).
pub fn erlang_c(c: u32, a: f64) -> f64 {
    let b = erlang_b(c, a);
    b / (1.0 - a / f64::from(c) * (1.0 - b))
}

/// Probabilities of 0…K in a birth–death process with these birth rates (from 0 on) and death rates (from 1 on).
pub fn birth_death(births: &[f64], deaths: &[f64]) -> Vec<f64> {
    let mut weights = vec![1.0];
    for (birth, death) in births.iter().zip(deaths) {
        weights.push(weights[weights.len() - 1] * birth / death);
    }
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Mean wait in GI/M/1: σ/(μ(1 − σ)), where σ is the root in (0, 1) of σ = A*(μ − μσ) (Kleinrock, "Queueing Systems" I,
/// 1975, §6.4), for Erlang-k arrivals of rate `lambda`: A*(s) = (kλ/(kλ + s))^k. The iteration is a contraction for ρ < 1.
pub fn erlang_arrivals_wait(k: u32, lambda: f64, mu: f64) -> f64 {
    let stage = f64::from(k) * lambda;
    let step = |sigma: f64| (stage / (stage + mu - mu * sigma)).powi(k as i32);
    let sigma = (0..10_000).fold(0.5, |sigma, _| step(sigma));
    sigma / (mu * (1.0 - sigma))
}

/// Pollaczek–Khinchine: the mean wait in M/G/1, ρ/(1 − ρ) · E[S] · (1 + cv²)/2.
pub fn mg1_wait(rho: f64, mean: f64, cv: f64) -> f64 {
    rho / (1.0 - rho) * mean * (1.0 + cv * cv) / 2.0
}

/// Mean time in system at each of infinitely many M/M/1 servers with the better of `d` choices, mean service one:
/// Σ_{k≥1} ρ^{(d^k − d)/(d − 1)} (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001).
pub fn supermarket_time(d: u32, rho: f64) -> f64 {
    let d = f64::from(d);
    (1..40).map(|k| rho.powf((d.powi(k) - d) / (d - 1.0))).sum()
}

#[test]
fn closed_forms_agree_with_each_other_and_with_tables() {
    // Erlang B for 10 erlang on 10 servers is 0.2146 in every table; C(2, 1) = 1/3; one server waits with probability ρ.
    assert!((erlang_b(10, 10.0) - 0.214_582).abs() < 1e-6);
    assert!((erlang_c(2, 1.0) - 1.0 / 3.0).abs() < 1e-12 && (erlang_c(1, 0.8) - 0.8).abs() < 1e-12);
    // B is the last state of the birth–death process.
    let last = birth_death(&[3.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0])[5];
    assert!((erlang_b(5, 3.0) - last).abs() < 1e-12);
    // Erlang-1 arrivals are Poisson: W = ρ/(μ − λ). Exponential service in Pollaczek–Khinchine is the same.
    assert!((erlang_arrivals_wait(1, 0.8, 1.0) - 4.0).abs() < 1e-9 && (mg1_wait(0.8, 1.0, 1.0) - 4.0).abs() < 1e-12);
    // With enormous k the arrivals are constant: D/M/1 at ρ = 0.5 has σ = 0.2032, the root of σ = e^{−2(1−σ)}.
    let sigma = 0.203_187_869_979_98;
    assert!((erlang_arrivals_wait(100_000, 0.5, 1.0) - sigma / (1.0 - sigma)).abs() < 1e-4);
    // 1 + ρ² + ρ⁶ + ρ¹⁴ + …
    assert!((supermarket_time(2, 0.5) - (1.0 + 0.25 + 0.015_625 + 0.000_061_035)).abs() < 1e-8);
}
