//! Things in flight, by slot and generation: constant memory in the number of requests, no hashing.

use super::queue::GENERATION_BITS;

/// A growing array whose vacant places are used again.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    vacant: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { places: Vec::new(), vacant: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a value in a vacant place.
    #[inline]
    pub fn insert(&mut self, value: T) -> u32 {
        match self.vacant.pop() {
            Some(slot) => {
                self.places[slot as usize].value = Some(value);
                slot
            }
            None => {
                self.places.push(Place { generation: 0, value: Some(value) });
                (self.places.len() - 1) as u32
            }
        }
    }

    /// Takes the value out; what was scheduled for it is stale from now on.
    #[inline]
    pub fn remove(&mut self, slot: u32) -> Option<T> {
        let place = self.places.get_mut(slot as usize)?;
        let value = place.value.take()?;
        place.generation = (place.generation + 1) & ((1 << GENERATION_BITS) - 1);
        self.vacant.push(slot);
        Some(value)
    }

    /// The value in a place.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.places.get(slot as usize)?.value.as_ref()
    }

    /// The value in a place.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.places.get_mut(slot as usize)?.value.as_mut()
    }

    /// Generation of a place; changes when its value is removed.
    #[inline]
    pub fn generation(&self, slot: u32) -> u32 {
        self.places[slot as usize].generation
    }

    /// Whether the value that was there at `generation` still is.
    #[inline]
    pub fn is_live(&self, slot: u32, generation: u32) -> bool {
        self.places.get(slot as usize).is_some_and(|place| place.generation == generation && place.value.is_some())
    }

    /// Values held.
    pub fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Occupied places in ascending order.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.places.iter().enumerate().filter(|(_, place)| place.value.is_some()).map(|(slot, _)| slot as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_under_a_new_generation() {
        let mut slab = Slab::default();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        let generation = slab.generation(a);
        assert!(slab.is_live(a, generation));
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!(slab.remove(a), None, "only once");
        assert!(!slab.is_live(a, generation));
        let c = slab.insert('c');
        assert_eq!(c, a);
        assert!(!slab.is_live(a, generation), "what was scheduled for the first is stale");
        assert_eq!((slab.len(), slab.get(b), slab.get(c)), (2, Some(&'b'), Some(&'c')));
        assert_eq!(slab.slots().collect::<Vec<_>>(), [0, 1]);
    }
}
