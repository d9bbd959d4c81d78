//! What a bucket lacks, had it been known from the start what answers use.
//!
//! A provider that charges what is used takes a of its bucket at once, where we reserve m ≥ a and give m − a back at the end. In
//! the meantime its bucket may have been full: what flowed in then is lost to it. Ours was less full and took that in, so with all of
//! m − a it would hold more than the provider's, and one attempt in hundreds of thousands would be refused.
//!
//! Let A(t) be what was taken by t, r the rate, and X(t) = A(t) − r·t. A bucket lacks the most that X rose from any earlier time
//! to now (Reich, "On the integrodifferential equation of Takács I", Annals of Mathematical Statistics 29, 1958), and it is lowest
//! just before an admission. Had admission n taken y less, all rises that begin later would be the same, and the others less by y.
//! So giving back y leaves it lacking max(missing − y, the most that X rose since an admission after n).
//!
//! Of the X before each admission only those are kept that are lower than all later ones, at most [`MOST`]: of more, some that lie close
//! together become one, as if the later had been as low as the earlier. So the bucket is never believed to lack less than
//! the provider's, and by a sixteenth of its depth more at most.

/// Lows that are kept.
const MOST: usize = 64;

/// The rises of X, in the units of its bucket.
#[derive(Clone, Debug)]
pub(super) struct Hindsight {
    /// A(t).
    taken: i128,
    /// Number of the latest admission.
    latest: u64,
    /// In order of number, and so of height.
    lows: Vec<Low>,
}

/// X just before an admission, or the lowest of several that lie between it and the `highest`.
#[derive(Clone, Copy, Debug)]
struct Low {
    /// Of the latest of them.
    number: u64,
    height: i128,
    highest: i128,
}

impl Hindsight {
    /// Of a bucket that lacks `missing`, for whatever reason: admissions before `next` get nothing back of that. Times are given
    /// as what flows in until then.
    pub fn new(at: u128, missing: u128, next: u64) -> Hindsight {
        let mut lows = Vec::with_capacity(MOST);
        lows.push(Low { number: next, height: 0, highest: 0 });
        Hindsight { taken: signed(at) + signed(missing), latest: next.saturating_sub(1), lows }
    }

    /// Admission `number` took so much.
    pub fn admitted(&mut self, at: u128, number: u64, units: u128) {
        self.latest = number;
        self.take(at, number, units);
    }

    /// So much was taken by others, or was used beyond an estimate.
    pub fn taken(&mut self, at: u128, units: u128) {
        self.take(at, self.latest + 1, units);
    }

    fn take(&mut self, at: u128, number: u64, units: u128) {
        let height = self.taken - signed(at);
        while self.lows.pop_if(|low| low.height >= height).is_some() {}
        if self.lows.len() == MOST {
            self.thin_out();
        }
        self.lows.push(Low { number, height, highest: height });
        self.taken += signed(units);
    }

    /// Admission `number` used so much less than it took; what the bucket lacks at least after that.
    pub fn give_back(&mut self, at: u128, number: u64, units: u128) -> u128 {
        let later = self.lows.partition_point(|low| low.number <= number);
        let least = self.lows.get(later).map_or(0, |low| self.taken - signed(at) - low.height);
        self.taken -= signed(units);
        for low in &mut self.lows[later..] {
            (low.height, low.highest) = (low.height - signed(units), low.highest - signed(units));
        }
        if let Some(lowest) = self.lows.get(later).map(|low| low.height) {
            let lower = self.lows[..later].partition_point(|low| low.height < lowest);
            self.lows.drain(lower..later);
        }
        u128::try_from(least).unwrap_or(0)
    }

    /// Makes one of those that lie within a sixteenth of the whole rise: at least every second rises by so much, and half are left.
    #[cold]
    fn thin_out(&mut self) {
        let (Some(first), Some(last)) = (self.lows.first(), self.lows.last()) else { return };
        let within = (last.highest - first.height) / (MOST as i128 / 4);
        self.lows.dedup_by(|later, kept| {
            let close = later.highest <= kept.height + within;
            if close {
                (kept.number, kept.highest) = (later.number, later.highest);
            }
            close
        });
    }
}

/// Amounts and times in a bucket's units are below 2^127.
fn signed(units: u128) -> i128 {
    i128::try_from(units).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a thousand admissions, each of which found the bucket less full than the one before, all lows count, and no more than
    /// [`MOST`] are kept: what it lacks after giving back is never less than what all of them say, and at most a sixteenth of the
    /// whole rise more.
    #[test]
    fn few_lows_do_for_many() {
        for number in 0..1_000 {
            let mut hindsight = Hindsight::new(0, 0, 0);
            // One flows in between two admissions that take eleven.
            (0..1_000).for_each(|k| hindsight.admitted(u128::from(k), k, 11));
            assert!(hindsight.lows.len() <= MOST);
            let (least, exact) = (hindsight.give_back(1_000, number, 0), 10 * u128::from(999 - number));
            assert!(least >= exact && least <= exact + 10_000 / 16, "admission {number}: {least} for {exact}");
        }
    }
}
