//! Is the simulator right? Runs of the whole machine (engine, providers, virtual clock, metrics) against truths that
//! nobody can argue with: closed forms of queueing theory, numbers worked out by hand, naive oracles, conservation laws.
//!
//! Statistical checks compare means over independent seeds with Student's interval at α = 10⁻⁴ each. The seeds are
//! fixed; `TRUTH_SEED=2 cargo test --test truth` tries others.

mod balancer_queue;
mod bound;
mod closed_loop;
mod compare;
mod determinism;
mod exact;
mod laws;
mod limits;
mod log;
mod loss;
mod odd_headers;
mod probes;
mod profiles;
mod queueing;
mod random_worlds;
mod retries;
mod sequences;
mod splitting;
mod stats;
mod theory;
mod world;
