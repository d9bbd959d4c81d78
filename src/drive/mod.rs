//! The drivers move the engine and the world through a run.

mod attempt;
mod balancer;
mod error;
mod hedge;
mod kind;
mod line;
pub mod plan;
mod probe;
mod queue;
pub mod real;
mod request;
mod shed;
mod siblings;
mod simulate;
mod slab;
mod through;
mod timer;
mod users;

pub use balancer::Balancer;
pub use plan::Plan;
pub use real::RealTime;
pub use simulate::{DriveError, Finished, Options, simulate, simulate_with};
pub use timer::timer_cost;
