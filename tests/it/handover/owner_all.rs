//! A model of the move of clients that move together, in two batches: every order of messages,
//! timeouts and deaths, exhaustively.
//!
//! What holds in every state:
//! 1. Never does one process serve one of them and the other process another: no message can be
//!    missing in the middle of what they have in common.
//! 2. When nothing more can happen, a living process serves all of them; except when the new one
//!    has died after the old one had let go, or the old one before the new one had all.

use std::collections::{HashSet, VecDeque};

/// Tries until the old process gives up.
const TRIES_MAX: u8 = 2;
/// What is offered: what they have in common, and then the batches.
const OFFERS: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    /// What they have in common (0), or a batch.
    Offer(u8),
    Taken(u8),
    GoAll,
    Back,
    Yours,
}

use Message::{Back, GoAll, Offer, Taken, Yours};

/// Of the old process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Old {
    Serves,
    /// All are held, and it waits for the answer to this offer.
    Offered(u8),
    /// It serves, and waits for a late answer to this offer.
    TookBack(u8),
    LetGo,
    /// It serves, and has closed the wire.
    GaveUp,
    Dead,
}

/// Of the new process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum New {
    Waits,
    /// It has so many batches.
    Holds(u8),
    /// It serves so many batches.
    Serves(u8),
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
    tries: u8,
    to_new: VecDeque<Message>,
    to_old: VecDeque<Message>,
    /// The old process is dead, or has closed the wire.
    is_closed: bool,
    went: bool,
}

impl World {
    fn old_serves(&self) -> bool {
        matches!(self.old, Old::Serves | Old::TookBack(_) | Old::GaveUp)
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
            Old::Serves if self.tries == TRIES_MAX || is_new_dead => add(&give_up),
            Old::Serves => add(&|world| {
                world.tries += 1;
                world.old = Old::Offered(0);
                world.to_new.push_back(Offer(0));
            }),
            Old::Offered(at) => match self.to_old.front() {
                Some(Taken(answer)) if *answer == at && is_new_dead => add(&give_up),
                Some(Taken(answer)) if *answer == at && at + 1 < OFFERS => add(&|world| {
                    world.to_old.pop_front();
                    world.old = Old::Offered(at + 1);
                    world.to_new.push_back(Offer(at + 1));
                }),
                Some(Taken(answer)) if *answer == at => add(&|world| {
                    world.to_old.pop_front();
                    world.old = Old::LetGo;
                    world.went = true;
                    world.to_new.extend([GoAll, Yours]);
                }),
                Some(_) => add(&give_up),
                None if is_new_dead => add(&give_up),
                // It is too slow.
                None => add(&|world| {
                    world.old = Old::TookBack(at);
                    world.to_new.push_back(Back);
                }),
            },
            Old::TookBack(at) => {
                if self.to_old.front() == Some(&Taken(at)) {
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
            (New::Waits | New::Holds(_), Some(Offer(offer))) => {
                let offer = *offer;
                add(&|world| {
                    to(New::Holds(offer))(world);
                    if !world.is_closed {
                        world.to_old.push_back(Taken(offer));
                    }
                });
            }
            (New::Holds(holds), Some(GoAll)) => add(&to(New::Serves(holds))),
            (New::Holds(_), Some(Back)) => add(&to(New::Waits)),
            (New::Serves(serves), Some(Yours)) => add(&to(New::Serves(serves))),
            (_, Some(_)) => add(&to(New::Without)),
            (New::Holds(holds), None) if self.is_closed => match self.old {
                // No other process has their descriptors.
                Old::Dead => add(&to(New::Serves(holds))),
                _ => add(&to(New::Without)),
            },
            (New::Waits, None) if self.is_closed => add(&to(New::Without)),
            (New::Waits | New::Holds(_) | New::Serves(_), None) => {}
        }
    }

    fn check(&self) {
        let all = New::Serves(OFFERS - 1);
        let new_serves = matches!(self.new, New::Serves(1..));
        assert!(!(self.old_serves() && new_serves), "both serve: {self:?}");
        let is_part = new_serves && self.new != all;
        assert!(!is_part || self.old == Old::Dead, "a part: {self:?}");
        // Deaths aside, nothing more happens.
        let mut steps = 0;
        self.old_steps(&mut |_| steps += 1);
        self.new_steps(&mut |_| steps += 1);
        if steps == 0 && !self.old_serves() && self.new != all {
            let died_with_it = self.new == New::Dead && self.went;
            assert!(died_with_it || self.old == Old::Dead, "lost: {self:?}");
        }
    }
}

#[test]
fn clients_that_move_together_are_never_in_two_processes_in_any_order_of_events() {
    let begin = World {
        old: Old::Serves,
        new: New::Waits,
        tries: 0,
        to_new: VecDeque::new(),
        to_old: VecDeque::new(),
        is_closed: false,
        went: false,
    };
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = vec![begin];
    let (mut moved, mut parts) = (0, 0);
    while let Some(world) = open.pop() {
        world.check();
        moved += u64::from(world.new == New::Serves(OFFERS - 1));
        parts += u64::from(world.new == New::Serves(1));
        for next in world.next() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    assert!(moved > 0 && parts > 0, "both ways are taken");
    assert!(seen.len() > 100, "{} states", seen.len());
}
