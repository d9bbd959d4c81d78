//! One thing that is timed, batch by batch.

use std::hint::{black_box, spin_loop};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use super::workload::Work;
use crate::time::Nanos;

/// A batch takes about this long, as long as thousands of clock reads, and short enough for many rounds.
const BATCH_NS: f64 = 500_000.0;
/// This part of a batch, and a turn for each provider, runs before the clock starts, to bring back to the caches what others drove
/// out; and no batch has less than twice that.
const UNTIMED: usize = 8;

/// So many turns the callers take one after the other before anything is timed.
const STEP: usize = 50;

/// The callers of one engine, or the loop without one.
pub struct Arm<W> {
    callers: Vec<W>,
    /// Turns of each caller in a batch.
    batch: usize,
    /// And before it.
    untimed: usize,
    /// ns per decision, round by round.
    pub rounds: Vec<f64>,
}

impl<W: Work> Arm<W> {
    /// Runs each caller for so many turns, and finds out how many are a batch over so many providers.
    pub fn new(mut callers: Vec<W>, providers: usize, warm_up: usize) -> Arm<W> {
        for _ in 0..warm_up.div_ceil(STEP) {
            meet(&mut callers);
            callers.iter_mut().for_each(|caller| caller.turn(STEP));
        }
        let tried = 500;
        let ns = timed(&mut callers[0], tried) / tried as f64;
        let batch = ((BATCH_NS / ns.max(1.0)) as usize).clamp(64, 50_000).max(2 * providers);
        Arm { callers, batch, untimed: (batch / UNTIMED).max(providers), rounds: Vec::new() }
    }

    /// Times one batch of each caller, all of them at the same time.
    pub fn round(&mut self) {
        let (batch, untimed) = (self.batch, self.untimed);
        meet(&mut self.callers);
        let together = match self.callers.as_mut_slice() {
            [alone] => {
                alone.turn(untimed);
                timed(alone, batch)
            }
            callers => side_by_side(callers, untimed, batch) / callers.len() as f64,
        };
        self.rounds.push(together / batch as f64);
    }

    /// The callers.
    pub fn callers(&self) -> &[W] {
        &self.callers
    }
}

/// Those that are behind in simulated time catch up: a faster core would get further and further ahead.
fn meet(callers: &mut [impl Work]) {
    let latest = callers.iter_mut().map(|caller| *caller.clock()).fold(Nanos::ZERO, Nanos::max);
    callers.iter_mut().for_each(|caller| *caller.clock() = latest);
}

/// ns that so many turns take.
fn timed(caller: &mut impl Work, turns: usize) -> f64 {
    let start = Instant::now();
    caller.turn(turns);
    start.elapsed().as_nanos() as f64
}

/// The sum of what each caller takes, in a thread of its own, for a batch in all of which the others decide, too.
fn side_by_side(callers: &mut [impl Work], untimed: usize, batch: usize) -> f64 {
    let (all, ready, done) = (callers.len(), AtomicUsize::new(0), AtomicUsize::new(0));
    let crowded = all > thread::available_parallelism().map_or(1, usize::from);
    let caller_of = |caller: &mut _| beside_others(caller, [untimed, batch], all, crowded, [&ready, &done]);
    let caller_of = &caller_of;
    thread::scope(|scope| {
        let threads: Vec<_> = callers.iter_mut().map(|caller| scope.spawn(move || caller_of(caller))).collect();
        threads.into_iter().map(|thread| thread.join().expect("decisions do not panic")).sum()
    })
}

/// Times a batch that begins when all callers are `ready`, and goes on, untimed, until all are `done`. Who waits does not sleep, for
/// on the way back to a core it would miss what the others do; where there are fewer cores than callers (`crowded`), it makes way.
fn beside_others(caller: &mut impl Work, [untimed, batch]: [usize; 2], all: usize, crowded: bool, [ready, done]: [&AtomicUsize; 2]) -> f64 {
    caller.turn(untimed);
    ready.fetch_add(1, Relaxed);
    while ready.load(Relaxed) < all {
        if crowded { thread::yield_now() } else { spin_loop() }
    }
    let ns = timed(caller, batch);
    done.fetch_add(1, Relaxed);
    while done.load(Relaxed) < all {
        caller.turn(8);
    }
    ns
}

/// What it takes to lock and unlock a mutex that nobody else wants, ns: the lowest of forty batches.
pub fn lock_cost() -> f64 {
    let (mutex, times) = (Mutex::new(0_u64), 10_000);
    let batch = || {
        let start = Instant::now();
        for _ in 0..times {
            if let Ok(mut value) = black_box(&mutex).lock() {
                *value += 1;
            }
        }
        start.elapsed().as_nanos() as f64 / f64::from(times)
    };
    (0..40).map(|_| batch()).fold(f64::INFINITY, f64::min)
}
