//! Extra arrivals at an instant, once or repeated.

use crate::time::Nanos;
use crate::world::spec::Burst;

/// All bursts of a load, merged by time; at one instant in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Bursts {
    lines: Vec<Line>,
    /// The line that comes next, with its instant.
    next: Option<(Nanos, usize)>,
}

/// One burst and where it stands.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// `None` when it is over.
    at: Option<Nanos>,
    /// Arrivals that are left at that instant.
    left: u64,
    spec: Burst,
}

impl Bursts {
    pub(super) fn new(specs: &[Burst]) -> Bursts {
        let lines = specs.iter().map(|spec| Line { at: (spec.count > 0).then_some(spec.at), left: spec.count, spec: *spec }).collect();
        let mut bursts = Bursts { lines, next: None };
        bursts.choose();
        bursts
    }

    /// The instant of the next arrival.
    #[inline]
    pub(super) fn peek(&self) -> Option<Nanos> {
        self.next.map(|(at, _)| at)
    }

    /// Takes the next arrival.
    pub(super) fn next(&mut self) -> Option<Nanos> {
        let (at, index) = self.next?;
        let line = &mut self.lines[index];
        line.left -= 1;
        if line.left == 0 {
            line.at = line.spec.every.filter(|every| *every > Nanos::ZERO).and_then(|every| at.checked_add(every));
            line.left = line.spec.count;
            self.choose();
        }
        Some(at)
    }

    /// A scan: scenarios have a handful of bursts, and it runs once a burst, not once an arrival.
    fn choose(&mut self) {
        self.next = self.lines.iter().enumerate().filter_map(|(index, line)| line.at.map(|at| (at, index))).min();
    }

    /// Arrivals of `specs` at t < `time`.
    pub(super) fn count_before(specs: &[Burst], time: Nanos) -> u64 {
        let instants = |spec: &Burst| match spec.every.map(Nanos::as_nanos) {
            _ if spec.at >= time => 0,
            None | Some(0) => 1,
            Some(every) => 1 + (time.since(spec.at).as_nanos() - 1) / every,
        };
        specs.iter().fold(0_u64, |sum, spec| sum.saturating_add(instants(spec).saturating_mul(spec.count)))
    }
}
