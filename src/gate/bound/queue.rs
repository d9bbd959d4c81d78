//! How short latencies could have been: the same arrivals through one queue in front of all slots.
//!
//! One first-come-first-served queue that keeps every slot busy as long as anybody waits is what a balancer without knowledge
//! of sizes can come near to but not beat in the mean (Kiefer and Wolfowitz, Trans. AMS 78, 1955, for the recursion; Wolff,
//! Stochastic Modeling and the Theory of Queues, 1989, ch. 11, for the comparison). Each request takes the shortest time that any
//! provider would take for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::requests::Requests;
use crate::drive::Plan;
use crate::time::Nanos;
use crate::world::arrivals::OpenArrivals;
use crate::world::spec::Source;

/// A run of more requests is not replayed: that would take as long as the run.
const REQUESTS_MAX: u64 = 100_000;

/// Mean latency of the measured requests in milliseconds behind the one queue; `None` for a closed loop, whose arrivals follow
/// the answers, and for a long run.
pub fn shortest_mean_latency_ms(plan: &Plan, requests: &Requests<'_>, simulated: u64) -> Option<f64> {
    if matches!(plan.load.source, Source::Closed { .. }) || simulated > REQUESTS_MAX {
        return None;
    }
    let slots: Option<u64> = plan.providers.iter().map(|provider| provider.slots.map(u64::from)).sum();
    let mut line = Line::new(slots);
    let (mut sum, mut count) = (0_u128, 0_u64);
    for arrival in OpenArrivals::new(&plan.load, plan.seed) {
        let Some(service) = requests.shortest(arrival.id) else { continue };
        let latency = line.pass(arrival.at, service);
        if arrival.at >= plan.load.warmup {
            sum += u128::from(latency.as_nanos());
            count += 1;
        }
    }
    (count > 0).then(|| sum as f64 / count as f64 / 1e6)
}

/// Servers behind one queue.
struct Line {
    /// When each is free; empty where there are as many as are wanted.
    free: BinaryHeap<Reverse<Nanos>>,
}

impl Line {
    fn new(servers: Option<u64>) -> Line {
        Line { free: (0..servers.unwrap_or(0)).map(|_| Reverse(Nanos::ZERO)).collect() }
    }

    /// The latency of who arrives at `at`, not before those who came earlier.
    fn pass(&mut self, at: Nanos, service: Nanos) -> Nanos {
        let Some(mut first) = self.free.peek_mut() else { return service };
        let end = at.max(first.0) + service;
        first.0 = end;
        end.since(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// M/M/2 at 80 % load: the mean wait is that of Erlang's C formula, 1.7778 service times; 200,000 arrivals give it
    /// within 10 % (their standard error is about 2 %).
    #[test]
    fn the_line_is_an_m_m_c_queue() {
        let mut line = Line::new(Some(2));
        let mut draws = Draws::new(7, Stream::Service, 0);
        let mut exponential = |mean: f64| -mean * libm::log(((draws.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64);
        let (mut at, mut waits) = (0.0, 0.0);
        for _ in 0..200_000 {
            at += exponential(1.0 / 1.6);
            let service = exponential(1.0);
            let latency = line.pass(Nanos::from_secs_f64(at), Nanos::from_secs_f64(service));
            waits += latency.as_secs_f64() - service;
        }
        let mean = waits / 200_000.0;
        assert!((mean - 1.7778).abs() < 0.18, "{mean}");
    }

    /// By hand: two servers, three arrivals of 10 s at 0, 1, 2 s: the third waits 8 s. Without a number nobody waits.
    #[test]
    fn by_hand() {
        let s = Nanos::from_secs;
        let mut line = Line::new(Some(2));
        assert_eq!([0, 1, 2].map(|at| line.pass(s(at), s(10))), [s(10), s(10), s(18)]);
        let mut line = Line::new(None);
        assert_eq!([0, 0, 0].map(|at| line.pass(s(at), s(10))), [s(10); 3]);
    }
}
