//! What a provider has in common with others: a quota, and what is known of the size of answers.

use std::sync::Arc;

use super::group::Group;
use super::limit::{Cost, Ledger, Limits, Paced, Reservation};
use super::outputs::Outputs;
use super::request::{AttemptResult, Outcome, Request};
use crate::time::Nanos;

/// Most providers have neither, and pay one comparison.
#[derive(Debug)]
pub(crate) struct Sharing {
    /// Who keeps its quota, if that is shared.
    pub group: Option<Arc<Group>>,
    /// Where reservations follow the sizes of answers.
    pub learned: Option<Learned>,
}

/// What is learned of a model's answers, for one provider.
#[derive(Debug)]
pub(crate) struct Learned {
    pub outputs: Arc<Outputs>,
    pub most: Most,
}

/// The most tokens that the limits of a provider ever admit at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Most {
    /// Input and output together.
    total: u64,
    output: u64,
}

impl Sharing {
    /// What an attempt of this request reserves: see [`OutputEstimate`](super::OutputEstimate).
    pub fn cost(&self, request: &Request) -> Cost {
        let estimate = cost(request);
        self.learned.as_ref().map_or(estimate, |learned| learned.cost(request, estimate))
    }

    /// The end of an attempt; what refusals before it have taught the group, if there is one.
    #[inline(never)]
    pub(super) fn settle(&self, now: Nanos, sent: Nanos, reservation: &Reservation, outcome: &Outcome) -> Paced {
        let paced = self.group.as_ref().map_or(Paced::Unknown, |group| group.settle(now, sent, reservation, outcome));
        if let (Some(learned), AttemptResult::Success, Some(usage)) = (&self.learned, outcome.result, outcome.usage) {
            learned.outputs.learn(usage.output_tokens);
        }
        paced
    }
}

impl Learned {
    fn cost(&self, request: &Request, estimate: Cost) -> Cost {
        let learned = self.outputs.estimate().map(|learned| request.max_tokens.map_or(learned, |most| most.min(learned)));
        let output = learned.map_or(estimate.output, u64::from);
        // A reservation that never fits would be refused for ever, and nothing be learned.
        let room = self.most.output.min(self.most.total.saturating_sub(estimate.input));
        Cost { output: output.min(room), ..estimate }
    }
}

impl Most {
    /// Of limits that a [`Ledger`] has accepted before.
    pub fn of(limits: &Limits) -> Most {
        let (total, output) = Ledger::new(limits).map_or((u64::MAX, u64::MAX), |ledger| ledger.most_tokens());
        Most { total, output }
    }
}

/// Input + `max_tokens`, input alone where that is unlimited.
#[inline]
pub(crate) fn cost(request: &Request) -> Cost {
    Cost { input: request.input_tokens.into(), output: request.max_tokens.unwrap_or(0).into() }
}
