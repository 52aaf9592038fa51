//! A person: a client of the chat, with its name and settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Frontend, Name, Text};

/// See the head of the file. Its own lock may be taken under any other, and none under it.
pub(crate) struct Person<F: Frontend> {
    /// Never used twice.
    pub(crate) id: u64,
    pub(crate) outlet: F::Outlet,
    state: Mutex<State>,
    is_out: AtomicBool,
    is_operator: AtomicBool,
}

struct State {
    name: Arc<Name>,
    rare: Option<Box<Rare>>,
}

/// What few persons have.
#[derive(Default, PartialEq)]
struct Rare {
    away: Option<Text>,
    muted_until: Option<Instant>,
    ignores: Option<Arc<[u64]>>,
    out: Option<String>,
}

impl State {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// A person in the form in which another process gets it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PersonState {
    id: u64,
    name: String,
    away: Option<String>,
    /// For how long it is still muted.
    muted_ms: Option<u64>,
    ignores: Vec<u64>,
    is_operator: bool,
    /// Why its connection is ended.
    out: Option<String>,
}

/// Maximum persons that a person can ignore.
const IGNORED_MAX: usize = 100;

impl<F: Frontend> Person<F> {
    pub(super) fn new(id: u64, outlet: F::Outlet, name: Name) -> Person<F> {
        Person {
            id,
            outlet,
            state: Mutex::new(State {
                name: Arc::new(name),
                rare: None,
            }),
            is_out: AtomicBool::new(false),
            is_operator: AtomicBool::new(false),
        }
    }

    pub(crate) fn to_state(&self) -> PersonState {
        let state = self.state.lock();
        let rare = state.rare.as_deref();
        let now = Instant::now();
        let muted = rare.and_then(|rare| rare.muted_until);
        let muted = muted.map(|until| until.saturating_duration_since(now));
        let away = rare.and_then(|rare| rare.away.as_ref());
        let ignores = rare.and_then(|rare| rare.ignores.as_deref());
        PersonState {
            id: self.id,
            name: state.name.as_str().to_owned(),
            away: away.map(|text| text.as_str().to_owned()),
            muted_ms: muted.map(|left| left.as_millis() as u64),
            ignores: ignores.unwrap_or_default().to_vec(),
            is_operator: self.is_operator(),
            out: rare.and_then(|rare| rare.out.clone()),
        }
    }

    pub(super) fn of_state(outlet: F::Outlet, state: PersonState) -> Option<Person<F>> {
        let person = Person::new(state.id, outlet, Name::new(&state.name).ok()?);
        let away = match state.away {
            None => None,
            Some(text) => Some(Text::checked(text)?),
        };
        let muted = state.muted_ms.map(Duration::from_millis);
        let muted = muted.and_then(|left| Instant::now().checked_add(left));
        let ignores = (!state.ignores.is_empty()).then(|| state.ignores.into());
        person.is_out.store(state.out.is_some(), Ordering::SeqCst);
        person
            .is_operator
            .store(state.is_operator, Ordering::Relaxed);
        let rare = Rare {
            away,
            muted_until: muted,
            ignores,
            out: state.out,
        };
        person.state.lock().rare = (rare != Rare::default()).then(|| Box::new(rare));
        Some(person)
    }

    pub(crate) fn name(&self) -> Arc<Name> {
        Arc::clone(&self.state.lock().name)
    }

    /// Sets the name; answers the old one.
    pub(super) fn rename(&self, to: Arc<Name>) -> Arc<Name> {
        std::mem::replace(&mut self.state.lock().name, to)
    }

    pub(crate) fn away(&self) -> Option<Text> {
        self.state.lock().rare.as_ref()?.away.clone()
    }

    pub(crate) fn set_away(&self, away: Option<Text>) {
        let mut state = self.state.lock();
        if away.is_some() || state.rare.is_some() {
            state.rare().away = away;
        }
    }

    /// Whether it is muted now.
    pub(crate) fn is_muted(&self) -> bool {
        let mut state = self.state.lock();
        let Some(rare) = &mut state.rare else {
            return false;
        };
        if rare
            .muted_until
            .is_some_and(|until| until <= Instant::now())
        {
            rare.muted_until = None;
        }
        rare.muted_until.is_some()
    }

    pub(crate) fn mute(&self, until: Option<Instant>) {
        self.state.lock().rare().muted_until = until;
    }

    pub(crate) fn ignores(&self) -> Option<Arc<[u64]>> {
        self.state.lock().rare.as_ref()?.ignores.clone()
    }

    /// See [`Directory::ignore`](super::Directory::ignore); `all` are those that it ignores so far.
    pub(super) fn ignore(&self, whom: u64, mut all: Vec<u64>) -> Option<bool> {
        let before = all.len();
        all.retain(|id| *id != whom);
        let ignored = all.len() == before;
        if ignored {
            all.push(whom);
        }
        if all.len() > IGNORED_MAX {
            return None;
        }
        self.state.lock().rare().ignores = (!all.is_empty()).then(|| all.into());
        Some(ignored)
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.is_operator.load(Ordering::Relaxed)
    }

    pub(crate) fn make_operator(&self) {
        self.is_operator.store(true, Ordering::Relaxed);
    }

    /// Ends its connection; ignores what it still says. The first reason stands.
    pub(crate) fn put_out(&self, frontend: &F, why: &str) {
        if self.put_out_unrecorded(frontend, why) {
            frontend.record(&self.outlet, &self.name(), why);
        }
    }

    /// The same without a log line; answers whether this was the first time.
    pub(crate) fn put_out_unrecorded(&self, frontend: &F, why: &str) -> bool {
        let is_first = !self.is_out.swap(true, Ordering::SeqCst);
        if is_first {
            self.state.lock().rare().out = Some(why.to_owned());
            frontend.dismiss(&self.outlet, why);
        }
        is_first
    }

    pub(crate) fn is_out(&self) -> bool {
        self.is_out.load(Ordering::SeqCst)
    }

    /// Why its connection was ended.
    pub(crate) fn out(&self) -> Option<String> {
        self.state.lock().rare.as_ref()?.out.clone()
    }
}
