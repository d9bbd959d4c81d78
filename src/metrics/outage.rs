//! Ejections and readmissions of a provider.

use crate::time::Nanos;

/// When a provider was taken out and brought back, over the measured time. Several replicas are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    /// Times it was taken out.
    pub ejections: u64,
    /// When its first attempt of a measured request failed with an error or a timeout.
    pub first_error: Option<Nanos>,
    /// First time it was taken out at or after its first error.
    pub first_ejection: Option<Nanos>,
    /// Longest time from being taken out to the next readmission.
    pub longest: Option<Nanos>,
    out_since: Option<Nanos>,
}

/// The same as seen from a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowOutages {
    /// Times it was taken out in the window.
    pub ejections: u64,
    /// From the start of the window to the first ejection at or after it, be it behind the window's end.
    pub ejection_delay: Option<Nanos>,
    /// From the end of the window to the first readmission at or after it.
    pub recovery_time: Option<Nanos>,
}

impl Outages {
    pub(super) fn error(&mut self, now: Nanos) {
        self.first_error.get_or_insert(now);
    }

    pub(super) fn ejected(&mut self, now: Nanos) {
        self.ejections += 1;
        // A trial that fails may eject again without a readmission between: the outage began with the first.
        self.out_since.get_or_insert(now);
        if self.first_error.is_some() {
            self.first_ejection.get_or_insert(now);
        }
    }

    pub(super) fn readmitted(&mut self, now: Nanos) {
        if let Some(since) = self.out_since.take() {
            self.longest = self.longest.max(Some(now.since(since)));
        }
    }

    /// From the first error to the first ejection at or after it; `None` when either never happened.
    pub fn ejection_delay(&self) -> Option<Nanos> {
        Some(self.first_ejection?.since(self.first_error?))
    }
}

impl WindowOutages {
    pub(super) fn ejected(&mut self, now: Nanos, (from, until): (Nanos, Nanos)) {
        if from <= now {
            self.ejections += u64::from(now < until);
            self.ejection_delay.get_or_insert(now.since(from));
        }
    }

    pub(super) fn readmitted(&mut self, now: Nanos, (_, until): (Nanos, Nanos)) {
        if until <= now {
            self.recovery_time.get_or_insert(now.since(until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An outage with a failed trial in it, and a second, shorter one: times by hand.
    #[test]
    fn delays_by_hand() {
        let at = Nanos::from_secs;
        let mut outages = Outages::default();
        assert_eq!(outages.ejection_delay(), None);
        outages.error(at(30));
        outages.error(at(31));
        outages.ejected(at(33));
        outages.ejected(at(43));
        outages.readmitted(at(65));
        outages.readmitted(at(66));
        outages.ejected(at(80));
        outages.readmitted(at(90));
        assert_eq!((outages.ejections, outages.ejection_delay(), outages.longest), (3, Some(at(3)), Some(at(32))));
    }

    /// Seen from the window [30, 60): what lies before does not count, the first readmission from 60 on is the recovery.
    #[test]
    fn windows_by_hand() {
        let at = Nanos::from_secs;
        let window = (at(30), at(60));
        let mut outages = WindowOutages::default();
        outages.ejected(at(10), window);
        outages.readmitted(at(20), window);
        assert_eq!(outages, WindowOutages::default());
        outages.ejected(at(34), window);
        outages.readmitted(at(50), window);
        outages.ejected(at(60), window);
        outages.readmitted(at(62), window);
        outages.readmitted(at(70), window);
        assert_eq!(outages, WindowOutages { ejections: 1, ejection_delay: Some(at(4)), recovery_time: Some(at(2)) });
    }
}
