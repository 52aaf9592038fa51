//! A client's messages: which came, in which order, how often.

use std::collections::BTreeMap;
use std::fmt;

/// The counts of a ledger; they can be added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// Different messages that came.
    pub(crate) received: u64,
    /// Never came.
    pub(crate) lost: u64,
    /// Came after one that was sent later.
    pub(crate) reordered: u64,
    /// Came again.
    pub(crate) duplicated: u64,
    /// Lines that no client sent.
    pub(crate) damaged: u64,
}

impl Account {
    /// Adds another account.
    pub(crate) fn add(&mut self, other: &Account) {
        self.received += other.received;
        self.lost += other.lost;
        self.reordered += other.reordered;
        self.duplicated += other.duplicated;
        self.damaged += other.damaged;
    }

    /// Lost, reordered, duplicated, damaged.
    pub(crate) fn faults(&self) -> [u64; 4] {
        [self.lost, self.reordered, self.duplicated, self.damaged]
    }

    /// Whether there is no fault.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults() == [0; 4]
    }
}

/// The faults.
impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lost, reordered, duplicated, damaged] = self.faults();
        write!(
            out,
            "{lost} lost, {reordered} reordered, {duplicated} duplicated, {damaged} damaged"
        )
    }
}

/// Whether messages missing at the end of a sequence count as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// All of this many must have come.
    Due(u64),
    /// Only gaps before the last message count.
    CutOff,
}

/// One client's sequence. Invariant: a hole lies below `next`, and holes neither touch nor
/// overlap; so there are never more of them than messages that came.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// One more than the greatest number seen.
    next: u64,
    /// Numbers jumped over so far: first to one past the last.
    holes: BTreeMap<u64, u64>,
    account: Account,
}

impl Ledger {
    /// A sequence that begins at `base`, of which all below `next` have come in order.
    pub(crate) fn resume(base: u64, next: u64) -> Ledger {
        let account = Account {
            received: next - base,
            ..Account::default()
        };
        Ledger {
            next,
            holes: BTreeMap::new(),
            account,
        }
    }

    /// One more than the greatest number seen.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Messages accounted for, the damaged among them.
    pub(crate) fn seen(&self) -> u64 {
        self.account.received + self.account.damaged
    }

    /// Enters a message. One from `limit` on was never sent: it is damage that looks like a
    /// message.
    pub(crate) fn note(&mut self, seq: u64, limit: u64) {
        if seq >= limit {
            self.note_damaged();
        } else if seq >= self.next {
            if seq > self.next {
                self.holes.insert(self.next, seq);
            }
            self.next = seq + 1;
            self.account.received += 1;
        } else if self.fill(seq) {
            self.account.received += 1;
            self.account.reordered += 1;
        } else {
            self.account.duplicated += 1;
        }
    }

    /// Counts a line that no client sent.
    pub(crate) fn note_damaged(&mut self) {
        self.account.damaged += 1;
    }

    /// The account. A damaged line was a message, which does not count as lost as well.
    pub(crate) fn close(&self, tail: Tail) -> Account {
        let holes: u64 = self.holes.iter().map(|(start, end)| end - start).sum();
        let missing = match tail {
            Tail::Due(sent) => sent.saturating_sub(self.next),
            Tail::CutOff => 0,
        };
        let lost = (holes + missing).saturating_sub(self.account.damaged);
        Account {
            lost,
            ..self.account
        }
    }

    fn fill(&mut self, seq: u64) -> bool {
        let Some((&start, &end)) = self.holes.range(..=seq).next_back() else {
            return false;
        };
        if seq >= end {
            return false;
        }
        self.holes.remove(&start);
        if start < seq {
            self.holes.insert(start, seq);
        }
        if seq + 1 < end {
            self.holes.insert(seq + 1, end);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(sequence: &[u64], tail: Tail) -> (u64, [u64; 4]) {
        let mut ledger = Ledger::default();
        sequence.iter().for_each(|&seq| ledger.note(seq, 100));
        let account = ledger.close(tail);
        (account.received, account.faults())
    }

    #[test]
    fn every_fault_has_its_own_count() {
        assert_eq!(account(&[0, 1, 2], Tail::Due(3)), (3, [0, 0, 0, 0]));
        assert_eq!(account(&[0, 2, 1], Tail::Due(3)), (3, [0, 1, 0, 0]));
        assert_eq!(account(&[0, 1, 1, 2], Tail::Due(3)), (3, [0, 0, 1, 0]));
        assert_eq!(account(&[0, 5, 3, 3], Tail::Due(6)), (3, [3, 1, 1, 0]));
        assert_eq!(account(&[0, 1, 200], Tail::Due(3)), (2, [0, 0, 0, 1]));
    }

    #[test]
    fn a_tail_that_was_cut_off_is_not_lost_but_holes_are() {
        assert_eq!(account(&[0, 1, 4], Tail::Due(9)), (3, [6, 0, 0, 0]));
        assert_eq!(account(&[0, 1, 4], Tail::CutOff), (3, [2, 0, 0, 0]));
        assert_eq!(account(&[], Tail::CutOff), (0, [0, 0, 0, 0]));
    }
}
