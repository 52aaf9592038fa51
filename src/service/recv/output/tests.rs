use std::cell::Cell;
use std::sync::Arc;

use super::*;

thread_local! {
    static WRITES: Cell<usize> = const { Cell::new(0) };
}

/// Takes a millisecond for each write, and counts the writes of each thread.
struct Slow;

impl Sink for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITES.set(WRITES.get() + 1);
        std::thread::sleep(Duration::from_millis(1));
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: Duration) {}
}

#[test]
fn no_worker_writes_for_others_while_its_own_client_waits() {
    let output = Output::new(Box::new(Slow), Durability::Written);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let before = WRITES.get();
                    let place = output.submit(&mut b"line\n".to_vec(), 1);
                    assert!(output.wait_until_safe(place));
                    // More than one if another has queued and does not wait yet.
                    let own = WRITES.get() - before;
                    assert!(own <= 10, "{own} writes");
                }
            });
        }
    });
    assert_eq!(output.finish(Instant::now() + Duration::from_secs(1)), 0);
}

/// Takes everything, but its first sync fails. Records the bytes and the syncs.
struct Failing(Arc<Mutex<(Vec<u8>, u32)>>);

impl Sink for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut told = self.0.lock();
        told.1 += 1;
        match told.1 {
            1 => Err(io::Error::other("the disk")),
            _ => Ok(()),
        }
    }

    fn wait(&mut self, _: Duration) {}
}

#[test]
fn what_the_disk_did_not_take_is_written_again_before_it_is_called_safe() {
    let told = Arc::new(Mutex::new((Vec::new(), 0)));
    let output = Output::new(Box::new(Failing(Arc::clone(&told))), Durability::Synced);
    let place = output.submit(&mut b"line\n".to_vec(), 1);
    assert!(output.wait_until_safe(place));
    assert_eq!(*told.lock(), (b"line\nline\n".to_vec(), 2));
}

#[test]
fn what_waits_for_room_is_not_written_yet() {
    let queue = Queue::new(Box::new(Slow));
    assert!(queue.is_done());
    let waiting = 1;
    assert!(!Queue { waiting, ..queue }.is_done());
}
