//! Where the slots of an engine live: a list that grows, in which a small number names a slot for ever.
//!
//! A lease has to find its slot again, even after the provider has left the pool. A counted reference in the lease would
//! cost two read-modify-writes a request; a number costs two plain loads. Slots are never freed but let to the next
//! provider once nothing is in flight, so there are never more of them than providers and unsettled leases at one time.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::health::EjectedShare;
use super::provider::Core;
use super::slot::{ShutSlots, Slot};

/// Slots by number. Chunk k holds 32 × 2^k of them; a chunk appears when its first slot does and never moves.
#[derive(Default)]
pub(crate) struct Arena {
    chunks: [OnceLock<Chunk>; CHUNKS],
}

type Chunk = Box<[OnceLock<Arc<Slot>>]>;

const CHUNKS: usize = 23;
const FIRST_CHUNK: u32 = 32;

/// A slot as it is let to one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenancy {
    slot: Address,
    /// Unique in the process, so that neither a pick over an old pool nor a lease of another engine can touch the next
    /// tenant's counters. It is compared, never shown.
    pub tenant: u32,
}

static TENANTS: AtomicU32 = AtomicU32::new(0);

impl Arena {
    /// The slot of a tenancy, whoever its tenant is now.
    #[inline]
    pub fn slot(&self, tenancy: Tenancy) -> Option<&Arc<Slot>> {
        self.chunks.get(tenancy.slot.chunk())?.get()?.get(tenancy.slot.offset())?.get()
    }
}

/// Where a slot is, which also is what names it: its chunk in the high bits, and its offset there in the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(u32);

const OFFSET_BITS: u32 = 27;
const _: () = assert!(FIRST_CHUNK.ilog2() + CHUNKS as u32 - 1 <= OFFSET_BITS && CHUNKS <= 1 << (u32::BITS - OFFSET_BITS));

impl Address {
    /// Of the slot that was the `index`-th to appear, from 0; the last chunk is the end.
    fn of(index: u32) -> Address {
        // Chunk k begins at 32 × (2^k − 1), so index + 32 has its highest bit at k + 5.
        let shifted = index + FIRST_CHUNK;
        let high = shifted.ilog2();
        Address((high - FIRST_CHUNK.ilog2()) << OFFSET_BITS | (shifted - (1 << high)))
    }

    #[inline]
    fn chunk(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    #[inline]
    fn offset(self) -> usize {
        (self.0 % (1 << OFFSET_BITS)) as usize
    }
}

/// Who lets slots: one at a time, when a pool is built.
#[derive(Default)]
pub(crate) struct Landlord {
    slots: u32,
    /// Slots whose provider has left the pool; some still have leases.
    retired: Vec<Tenancy>,
    shut_slots: Arc<ShutSlots>,
    ejected: Arc<EjectedShare>,
}

impl Landlord {
    /// Shared by all slots.
    pub fn shut_slots(&self) -> &Arc<ShutSlots> {
        &self.shut_slots
    }

    /// Shared by all slots.
    pub fn ejected(&self) -> &Arc<EjectedShare> {
        &self.ejected
    }

    /// A slot for a new provider.
    pub fn let_to(&mut self, arena: &Arena, core: Core) -> (Arc<Slot>, Tenancy) {
        let tenant = TENANTS.fetch_add(1, Relaxed);
        let idle = |tenancy: &Tenancy| arena.slot(*tenancy).is_some_and(|slot| slot.with(|core| core.load().in_flight == 0));
        if let Some(position) = self.retired.iter().position(idle) {
            let tenancy = Tenancy { tenant, ..self.retired.swap_remove(position) };
            // Nobody admits to a retired provider, so it is still idle.
            let slot = arena.slot(tenancy).expect("found by this number just now");
            slot.let_to(tenant, core);
            return (Arc::clone(slot), tenancy);
        }
        let address = Address::of(self.slots);
        self.slots += 1;
        let cells = arena.chunks[address.chunk()].get_or_init(|| (0..FIRST_CHUNK << address.chunk()).map(|_| OnceLock::new()).collect());
        let slot = cells[address.offset()].get_or_init(|| Arc::new(Slot::new(tenant, core, Arc::clone(&self.shut_slots))));
        (Arc::clone(slot), Tenancy { slot: address, tenant })
    }

    /// The provider has left the pool.
    pub fn retire(&mut self, slot: &Slot, tenancy: Tenancy) {
        slot.with(Core::retire);
        self.retired.push(tenancy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::{Cost, Ledger};
    use crate::engine::provider::{Ask, Mode};
    use crate::engine::{Config, ProviderConfig, Strategy};
    use crate::time::Nanos;

    fn core() -> Core {
        let ledger = Ledger::new(&Default::default()).expect("no limits are valid limits");
        Core::new(&Config::new(Strategy::Random, Vec::new()), &ProviderConfig::default(), 1.0, ledger, Arc::default(), 0)
    }

    #[test]
    fn numbers_fill_chunk_after_chunk() {
        let mut places = (0..32).map(|offset| (0, offset)).chain((0..64).map(|offset| (1, offset))).chain([(2, 0)]);
        let place = |index: u32| (Address::of(index).chunk(), Address::of(index).offset());
        assert!((0..97).all(|index| Some(place(index)) == places.next()));
        let last = FIRST_CHUNK * ((1 << CHUNKS) - 1) - 1;
        assert_eq!(place(last), (CHUNKS - 1, ((FIRST_CHUNK as usize) << (CHUNKS - 1)) - 1), "no overflow at the end");
    }

    #[test]
    fn a_slot_is_let_again_only_when_nothing_is_in_flight() {
        let (arena, mut landlord) = (Arena::default(), Landlord::default());
        let (busy, first) = landlord.let_to(&arena, core());
        busy.with(|core| core.admit(Nanos::ZERO, Ask { cost: Cost::default(), request: 0, mode: Mode::Strict })).expect("no limits");
        landlord.retire(&busy, first);
        let (idle, second) = landlord.let_to(&arena, core());
        assert!(first.slot != second.slot && !Arc::ptr_eq(&busy, &idle));
        landlord.retire(&idle, second);
        let (again, third) = landlord.let_to(&arena, core());
        assert!(Arc::ptr_eq(&idle, &again) && second.slot == third.slot && second.tenant != third.tenant);
        assert!(again.with_tenant(second.tenant, |_| ()).is_none(), "the former tenant is gone");
        assert!(again.with_tenant(third.tenant, |_| ()).is_some());
    }
}
