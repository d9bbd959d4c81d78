//! Is the quota in the engine a belief that is right, or corrects itself? Whole runs: scenario text → engine, mock
//! providers with true limits, virtual clock → counts of 429s and of requests served.
//!
//! "Possible" is min(offered, sustained rate of all limits × time): bursts that full buckets add at the start are not
//! counted, so a balancer that wastes them gains nothing, and one that uses them may exceed 100 %.

mod contradicted;
mod declared;
mod headers;
mod pool;
mod sizes;
mod sole;
mod undeclared;
