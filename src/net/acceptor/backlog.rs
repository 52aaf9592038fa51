//! Who waits in the backlog before a door that is not open, each counted once.
//!
//! How many wait can't be asked. Each makes an event as it comes, but those who come together make
//! one together, and whoever comes while others are let in may be found before its event is. So
//! whoever is found is counted if none of those who were counted before can still be there, and
//! the next event is taken for its own. Nobody is counted twice; of a crowd that is let in as
//! quickly as it came, not everybody is counted.

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct BacklogCounter {
    /// Counted, and not let in yet.
    counted: u64,
    /// The last one was found before its event.
    is_announced_late: bool,
}

impl BacklogCounter {
    /// Somebody is there, after an event or without one: whether to count one more.
    pub(super) fn look(&mut self, has_event: bool) -> bool {
        let is_known = has_event && std::mem::take(&mut self.is_announced_late);
        let is_new = self.counted == 0 || (has_event && !is_known);
        if is_new {
            self.is_announced_late = !has_event;
            self.counted += 1;
        }
        is_new
    }

    /// One was let in.
    pub(super) fn move_up(&mut self) {
        self.counted = self.counted.saturating_sub(1);
    }

    /// Nobody is there.
    pub(super) fn clear(&mut self) {
        *self = BacklogCounter::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_found_before_its_event_is_counted_once() {
        let mut line = BacklogCounter::default();
        assert!(line.look(false));
        assert!(!line.look(false), "it is still there");
        assert!(!line.look(true), "its own event");
        assert!(!line.look(false));
        assert!(line.look(true), "another");
    }

    #[test]
    fn who_was_counted_behind_others_is_not_counted_again_in_front() {
        let mut line = BacklogCounter::default();
        assert!(line.look(true));
        assert!(line.look(true));
        line.move_up();
        assert!(!line.look(false), "the second");
        line.move_up();
        assert!(
            line.look(false),
            "a third, whose event was the second's as well"
        );
        line.clear();
        assert!(line.look(true));
    }
}
