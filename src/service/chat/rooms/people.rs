//! The persons of a directory, by name and by number.

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use super::{Frontend, Name, Person};

/// Names that no client can take, nor any that looks like them.
const RESERVED: [&str; 6] = ["server", "poold", "console", "operator", "system", "guest"];
/// Their looks.
static RESERVED_LOOKS: LazyLock<[Box<str>; 6]> =
    LazyLock::new(|| RESERVED.map(|name| Name::new(name).expect("letters").look().into()));
/// Maximum number of the last guest of another process: others are counted on from it, and have it
/// in their names.
pub(super) const GUESTS_MAX: u64 = 1_000_000_000_000_000;
/// Prefix of the names of unnamed clients.
const GUEST: &str = "guest-";

/// See the head of the file.
pub(super) struct People<F: Frontend> {
    /// Each person under both of its looks.
    pub(super) by_look: FxHashMap<Box<str>, Arc<Person<F>>>,
    pub(super) by_id: FxHashMap<u64, Arc<Person<F>>>,
    pub(super) last_id: u64,
    pub(super) guests: u64,
}

/// Whether no client can take a name of this look.
pub(super) fn is_reserved(look: &str) -> bool {
    RESERVED_LOOKS.iter().any(|one| **one == *look) || look.starts_with(GUEST)
}

impl<F: Frontend> People<F> {
    pub(super) fn new() -> People<F> {
        People {
            by_look: FxHashMap::default(),
            by_id: FxHashMap::default(),
            last_id: 0,
            guests: 0,
        }
    }

    pub(super) fn guest(&mut self) -> Name {
        self.guests += 1;
        Name::new(&format!("{GUEST}{}", self.guests)).expect("letters and digits")
    }

    /// Whether a person has this name, or one that looks like it.
    pub(super) fn has(&self, name: &Name) -> bool {
        name.looks().any(|look| self.by_look.contains_key(look))
    }

    pub(super) fn note(&mut self, person: &Arc<Person<F>>) {
        self.by_id.insert(person.id, Arc::clone(person));
    }

    pub(super) fn claim(&mut self, name: &Name, person: &Arc<Person<F>>) {
        for look in name.looks() {
            self.by_look.insert(look.into(), Arc::clone(person));
        }
    }

    pub(super) fn release(&mut self, name: &Name) {
        for look in name.looks() {
            self.by_look.remove(look);
        }
    }
}
