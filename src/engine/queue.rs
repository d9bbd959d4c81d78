//! The balancer's queue.

use std::collections::VecDeque;

/// Requests that nothing can take yet. Bounded, by priority, first in first out within a lane.
///
/// A lane holds requests that compete for the same things (in practice: one class), and is named by its position in the priorities that the
/// queue was made with; any other panics. When the head of a lane cannot go,
/// the lane is blocked and the next lane has its turn, so a request for a model without quota does not hold up others.
/// Among lanes that can go, the lower priority number is served first, then the longer wait. The queue has no clock and
/// does not wake up: ask it after every settle, and at the time of the earliest `until` of the last blocked heads.
///
/// ```
/// use lbsim::engine::{Config, Decision, Engine, Limits, ProviderConfig, Request, Strategy, WaitQueue};
/// use lbsim::time::Nanos;
///
/// /// A round: sends what can go now. Returns when to look again at the latest, and is called after every settle, too.
/// fn look(engine: &Engine, queue: &mut WaitQueue<Request>, now: Nanos) -> Option<Nanos> {
///     let mut again: Option<Nanos> = None;
///     queue.unblock();
///     while let Some((lane, request)) = queue.head() {
///         match engine.pick(now, request) {
///             Decision::Send(lease) => drop((queue.take(lane), lease)), // in truth: send the request
///             Decision::Wait { until, .. } => {
///                 again = again.into_iter().chain(until).min();
///                 queue.block(lane);
///             }
///             Decision::Refuse { .. } => drop(queue.take(lane)), // in truth: answer it with an error
///         }
///     }
///     again
/// }
///
/// let only = ProviderConfig { limits: Limits { rpm: Some(60.0), burst: Some(1.0), ..Limits::default() }, ..ProviderConfig::default() };
/// let engine = Engine::new(Config::new(Strategy::RoundRobin, vec![ProviderConfig { name: "alpha".to_owned(), ..only }]))?;
/// let mut queue = WaitQueue::new([0], 100);
/// (0..3).for_each(|id| queue.push(0, Request::new(id)).expect("there is room"));
/// // One goes, and one flows in each second.
/// assert_eq!(look(&engine, &mut queue, Nanos::ZERO), Some(Nanos::from_secs(1)));
/// assert_eq!(look(&engine, &mut queue, Nanos::from_secs(1)), Some(Nanos::from_secs(2)));
/// assert_eq!(look(&engine, &mut queue, Nanos::from_secs(2)), None);
/// # Ok::<(), lbsim::engine::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct WaitQueue<T> {
    lanes: Vec<Lane<T>>,
    length: u64,
    max_length: u64,
    sequence: u64,
}

#[derive(Debug)]
struct Lane<T> {
    priority: u32,
    waiting: VecDeque<Waiting<T>>,
    blocked: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    sequence: u64,
    item: T,
}

impl<T> WaitQueue<T> {
    /// An empty queue with a lane for each of `priorities` (lower is served first), at most `max_length` long.
    pub fn new(priorities: impl IntoIterator<Item = u32>, max_length: u64) -> WaitQueue<T> {
        let lanes = priorities.into_iter().map(|priority| Lane { priority, waiting: VecDeque::new(), blocked: false });
        WaitQueue { lanes: lanes.collect(), length: 0, max_length, sequence: 0 }
    }

    /// Appends to a lane; gives the item back when the queue is full.
    ///
    /// # Errors
    /// The item, when there is no place.
    pub fn push(&mut self, lane: usize, item: T) -> Result<(), T> {
        if self.length >= self.max_length {
            return Err(item);
        }
        self.lanes[lane].waiting.push_back(Waiting { sequence: self.sequence, item });
        self.sequence += 1;
        self.length += 1;
        Ok(())
    }

    /// Starts a round: no lane is blocked.
    pub fn unblock(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.blocked = false);
    }

    /// The request whose turn it is, and its lane. Either [`WaitQueue::take`] it or [`WaitQueue::block`] its lane.
    pub fn head(&self) -> Option<(usize, &T)> {
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.blocked);
        let heads = open.filter_map(|(index, lane)| Some((lane.priority, lane.waiting.front()?, index)));
        heads.min_by_key(|(priority, waiting, _)| (*priority, waiting.sequence)).map(|(_, waiting, index)| (index, &waiting.item))
    }

    /// Removes the head of a lane.
    pub fn take(&mut self, lane: usize) -> Option<T> {
        let waiting = self.lanes[lane].waiting.pop_front()?;
        self.length -= 1;
        Some(waiting.item)
    }

    /// The head of this lane cannot go in this round.
    pub fn block(&mut self, lane: usize) {
        self.lanes[lane].blocked = true;
    }

    /// Removes the request that `is` it, wherever it stands: its time is up, or its client went away.
    pub fn remove(&mut self, lane: usize, is: impl Fn(&T) -> bool) -> Option<T> {
        let position = self.lanes[lane].waiting.iter().position(|waiting| is(&waiting.item))?;
        self.length -= 1;
        self.lanes[lane].waiting.remove(position).map(|waiting| waiting.item)
    }

    /// Whether nobody in this lane waits.
    pub fn is_lane_empty(&self, lane: usize) -> bool {
        self.lanes[lane].waiting.is_empty()
    }

    /// Requests that would be served before one that joined this lane now.
    pub fn ahead(&self, lane: usize) -> u64 {
        let priority = self.lanes[lane].priority;
        self.lanes.iter().filter(|other| other.priority <= priority).map(|other| other.waiting.len() as u64).sum()
    }

    /// Those of [`WaitQueue::ahead`], in the order in which they are served if no lane is blocked.
    pub fn line(&self, lane: usize) -> impl Iterator<Item = &T> {
        let priority = self.lanes[lane].priority;
        let mut lanes: Vec<_> = self.lanes.iter().filter(|other| other.priority <= priority).collect();
        lanes.sort_by_key(|lane| lane.priority);
        lanes.into_iter().flat_map(|lane| lane.waiting.iter().map(|waiting| &waiting.item))
    }

    /// Requests waiting.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_priority_numbers_first_and_fifo_within_equals() {
        let mut queue = WaitQueue::new([5, 0, 5], 10);
        for (lane, item) in [(0, 'a'), (2, 'b'), (1, 'c'), (0, 'd'), (1, 'e')] {
            queue.push(lane, item).expect("there is a place");
        }
        let mut order = Vec::new();
        while let Some((lane, _)) = queue.head() {
            order.extend(queue.take(lane));
        }
        assert_eq!(order, ['c', 'e', 'a', 'b', 'd']);
    }

    #[test]
    fn the_line_before_a_lane_is_all_that_are_no_worse() {
        let mut queue = WaitQueue::new([5, 0, 9], 10);
        for (lane, item) in [(0, 'a'), (2, 'b'), (1, 'c'), (0, 'd'), (1, 'e')] {
            queue.push(lane, item).expect("there is a place");
        }
        assert_eq!([0, 1, 2].map(|lane| queue.line(lane).collect::<String>()), ["cead", "ce", "ceadb"]);
        assert_eq!([0, 1, 2].map(|lane| queue.ahead(lane)), [4, 2, 5]);
    }

    #[test]
    fn a_blocked_lane_lets_others_pass_until_the_next_round() {
        let mut queue = WaitQueue::new([0, 0], 10);
        queue.push(0, 'a').expect("there is a place");
        queue.push(1, 'b').expect("there is a place");
        queue.block(0);
        assert_eq!(queue.head(), Some((1, &'b')));
        queue.block(1);
        assert_eq!(queue.head(), None);
        queue.unblock();
        assert_eq!(queue.head(), Some((0, &'a')));
    }

    #[test]
    fn it_is_bounded_and_lets_go_of_anyone() {
        let mut queue = WaitQueue::new([0], 2);
        assert_eq!(queue.push(0, 'a'), Ok(()));
        assert_eq!(queue.push(0, 'b'), Ok(()));
        assert_eq!(queue.push(0, 'c'), Err('c'), "full");
        assert_eq!(queue.remove(0, |item| *item == 'b'), Some('b'), "its time is up");
        assert_eq!(queue.remove(0, |item| *item == 'b'), None);
        assert_eq!((queue.len(), queue.is_empty(), queue.is_lane_empty(0)), (1, false, false));
        assert_eq!(queue.push(0, 'd'), Ok(()), "a place is free again");
    }
}
