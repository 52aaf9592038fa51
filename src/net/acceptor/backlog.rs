//! Counts the clients that wait in the backlog while the gate is not open, each at most once.
//!
//! The system does not tell how many clients wait. Each client makes an event as it comes, but
//! clients that come together make one event together, and a client that comes while others are
//! accepted may be found before its event. So a client that is found is counted if no client that
//! was counted before can still be there, and the next event is taken for that client's. No client
//! is counted twice; of many that are accepted as quickly as they came, some are not counted.

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct BacklogCounter {
    /// Clients that were counted and not accepted yet.
    counted: u64,
    /// The last client was found before its event.
    is_announced_late: bool,
}

impl BacklogCounter {
    /// A client is there, after an event or without one: whether to count one more.
    pub(super) fn look(&mut self, has_event: bool) -> bool {
        let is_known = has_event && std::mem::take(&mut self.is_announced_late);
        let is_new = self.counted == 0 || (has_event && !is_known);
        if is_new {
            self.is_announced_late = !has_event;
            self.counted += 1;
        }
        is_new
    }

    /// A client was accepted.
    pub(super) fn move_up(&mut self) {
        self.counted = self.counted.saturating_sub(1);
    }

    /// The backlog is empty.
    pub(super) fn clear(&mut self) {
        *self = BacklogCounter::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_found_before_its_event_is_counted_once() {
        let mut line = BacklogCounter::default();
        assert!(line.look(false));
        assert!(!line.look(false), "it is still there");
        assert!(!line.look(true), "its own event");
        assert!(!line.look(false));
        assert!(line.look(true), "another");
    }

    #[test]
    fn a_client_counted_behind_others_is_not_counted_again_in_front() {
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
