//! A model of the move of one client: every order of messages, timeouts and deaths, exhaustively.
//!
//! What holds in every state:
//! 1. Never do both processes serve the client.
//! 2. When nothing more can happen, a living process serves it; except when the new one has died
//!    after the old one had let go, or the old one before the new one had taken it.

use std::collections::{HashSet, VecDeque};

/// Offers until the old process gives up.
const OFFERS_MAX: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Clients(u8),
    Taken(u8),
    Go(u8),
    Back(u8),
    Yours,
}

use Message::{Back, Clients, Go, Taken, Yours};

/// Of the old process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Old {
    Serves,
    /// No process serves the client while this one waits for the answer to its offer.
    Offered,
    /// It serves, and waits for a late answer.
    TookBack,
    LetGo,
    /// It serves, and has closed the wire.
    GaveUp,
    Dead,
}

/// Of the new process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum New {
    Waits,
    Holds(u8),
    Serves,
    /// It serves no client of the old one.
    Without,
    Dead,
}

/// Adds the world that a change leads to.
type Add<'a> = dyn FnMut(&dyn Fn(&mut World)) + 'a;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    old: Old,
    new: New,
    offers: u8,
    to_new: VecDeque<Message>,
    to_old: VecDeque<Message>,
    /// The old process is dead, or has closed the wire.
    is_closed: bool,
    went: bool,
}

impl World {
    fn old_serves(&self) -> bool {
        matches!(self.old, Old::Serves | Old::TookBack | Old::GaveUp)
    }

    /// All that can happen next.
    fn next(&self) -> Vec<World> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            all.push(world);
        };
        if self.old != Old::Dead {
            add(&|world| {
                world.old = Old::Dead;
                world.is_closed = true;
            });
        }
        if self.new != New::Dead {
            add(&|world| {
                world.new = New::Dead;
                world.to_new.clear();
            });
        }
        self.old_steps(&mut add);
        self.new_steps(&mut add);
        all
    }

    fn old_steps(&self, add: &mut Add<'_>) {
        let give_up = |world: &mut World| {
            world.old = Old::GaveUp;
            world.is_closed = true;
        };
        let is_new_dead = self.new == New::Dead;
        match self.old {
            Old::Serves if self.offers == OFFERS_MAX || is_new_dead => add(&give_up),
            Old::Serves => add(&|world| {
                world.offers += 1;
                world.old = Old::Offered;
                world.to_new.push_back(Clients(world.offers));
            }),
            Old::Offered => match self.to_old.front() {
                Some(Taken(offer)) if *offer == self.offers && is_new_dead => add(&give_up),
                Some(Taken(offer)) if *offer == self.offers => add(&|world| {
                    world.to_old.pop_front();
                    world.old = Old::LetGo;
                    world.went = true;
                    world.to_new.push_back(Go(world.offers));
                    world.to_new.push_back(Yours);
                }),
                Some(_) => add(&give_up),
                None if is_new_dead => add(&give_up),
                // It is too slow.
                None => add(&|world| {
                    world.old = Old::TookBack;
                    world.to_new.push_back(Back(world.offers));
                }),
            },
            Old::TookBack => {
                if let Some(Taken(_)) = self.to_old.front() {
                    add(&|world| {
                        world.to_old.pop_front();
                        world.old = Old::Serves;
                    });
                }
                add(&give_up);
            }
            Old::LetGo | Old::GaveUp | Old::Dead => {}
        }
    }

    fn new_steps(&self, add: &mut Add<'_>) {
        let to = |new: New| {
            move |world: &mut World| {
                world.to_new.pop_front();
                world.new = new;
            }
        };
        match (self.new, self.to_new.front()) {
            (New::Dead | New::Without, _) => {}
            (New::Waits, Some(Clients(offer))) => {
                let offer = *offer;
                add(&|world| {
                    to(New::Holds(offer))(world);
                    if !world.is_closed {
                        world.to_old.push_back(Taken(offer));
                    }
                });
            }
            (New::Holds(holds), Some(Go(offer))) if *offer == holds => add(&to(New::Serves)),
            (New::Holds(_), Some(Back(_))) => add(&to(New::Waits)),
            (New::Serves, Some(Yours)) => add(&to(New::Serves)),
            (_, Some(_)) => add(&to(New::Without)),
            (New::Holds(_), None) if self.is_closed => match self.old {
                // No other process has its descriptor.
                Old::Dead => add(&to(New::Serves)),
                _ => add(&to(New::Without)),
            },
            (New::Waits, None) if self.is_closed => add(&to(New::Without)),
            (New::Waits | New::Holds(_) | New::Serves, None) => {}
        }
    }

    fn check(&self) {
        let new_serves = self.new == New::Serves;
        assert!(!(self.old_serves() && new_serves), "both serve: {self:?}");
        // Deaths aside, nothing more happens.
        let mut steps = 0;
        self.old_steps(&mut |_| steps += 1);
        self.new_steps(&mut |_| steps += 1);
        if steps == 0 && !self.old_serves() && !new_serves {
            let died_with_it = self.new == New::Dead && self.went;
            assert!(died_with_it || self.old == Old::Dead, "lost: {self:?}");
        }
    }
}

#[test]
fn no_client_has_two_owners_or_none_in_any_order_of_events() {
    let begin = World {
        old: Old::Serves,
        new: New::Waits,
        offers: 0,
        to_new: VecDeque::new(),
        to_old: VecDeque::new(),
        is_closed: false,
        went: false,
    };
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = vec![begin];
    let (mut served_by_new, mut after_a_death) = (0, 0);
    while let Some(world) = open.pop() {
        world.check();
        let is_served = world.new == New::Serves;
        served_by_new += u64::from(is_served);
        after_a_death += u64::from(is_served && world.old == Old::Dead && !world.went);
        for next in world.next() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    assert!(
        served_by_new > 0 && after_a_death > 0,
        "both ways are taken"
    );
    assert!(seen.len() > 100, "{} states", seen.len());
}
