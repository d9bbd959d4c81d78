//! Several gateways in front of the same providers.

use crate::drive::plan::{SharedQuota, Sync};

use super::keys;
use super::reader::{Fields, array, word};
use super::sink::Sink;
use super::tree::Node;
use super::units::{positive_duration, ratio};

/// How far the sum of shares may be from one: they are written with a few digits.
const ROUNDING: f64 = 1e-6;

/// `replica_shares`: how the requests are split between the gateways.
pub(super) fn shares(node: &Node, replicas: u32, sink: &mut Sink) -> Option<Vec<f64>> {
    let shares = array(node, "shares", sink, ratio)?;
    if shares.len() != replicas as usize {
        let message = format!("{} shares, but `replicas` is {replicas}", shares.len());
        sink.error(node.span, "conflict", message).help("one share for each of `replicas`, such as [\"55%\", \"25%\", \"20%\"] for 3");
        return None;
    }
    let sum: f64 = shares.iter().sum();
    if (sum - 1.0).abs() > ROUNDING {
        sink.error(node.span, "bad-shares", format!("the shares sum to {:.4} %, not to 100 %", 100.0 * sum))
            .help("every request comes to exactly one gateway");
        return None;
    }
    Some(shares)
}

/// `sync`: how the gateways tell each other what they used.
pub(super) fn sync(node: &Node, replicas: u32, sink: &mut Sink) -> Option<Sync> {
    let fields = Fields::of(node, "`sync`", keys::SYNC, sink)?;
    let interval = fields.require("interval", "`interval = \"1s\"`", sink, positive_duration);
    let quotas = [("common", SharedQuota::Common), ("divided", SharedQuota::Divided)];
    let quota = fields.read("quota", sink, |node, sink| word(node, "way to share a quota", &quotas, sink)).unwrap_or_default();
    if replicas < 2 {
        sink.error(node.span, "conflict", "`sync` is between gateways, and there is one").help("`replicas = 2` or more");
        return None;
    }
    Some(Sync { interval: interval?, quota })
}
