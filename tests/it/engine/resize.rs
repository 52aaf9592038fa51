//! Another number of workers, seen from the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use poold::answer;

use crate::engine::stuck::Stuck;
use crate::support::gate::Gate;
use crate::support::net::{connect, send, take_line};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{at_most, wait_until};

type Count = Arc<AtomicUsize>;

#[test]
fn more_workers_relieve_those_that_are_stuck() {
    let stuck = Stuck::workers(4);
    let handle = stuck.server.handle();
    let waits = connect(&stuck.address);
    send(&waits, "go\n");
    handle.set_workers(5).expect("threads");
    assert_eq!(take_line(&waits), "go");
    let mut numbers: Vec<_> = handle.workers().iter().map(|one| one.number).collect();
    numbers.retain(|number| *number < 4);
    assert_eq!(numbers, [0, 1, 2, 3], "they keep their numbers");
    drop(waits);
    stuck.finish();
}

#[test]
fn fewer_workers_finish_their_turns_and_no_more_serve_than_there_are() {
    let gate = Gate::default();
    let (inside, most, served) = (gate.clone(), Count::default(), Count::default());
    let (now, highest, done) = (Count::default(), Arc::clone(&most), Arc::clone(&served));
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            highest.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            inside.pass();
            now.fetch_sub(1, SeqCst);
            done.fetch_add(1, SeqCst);
            line.to_vec()
        }),
    );
    let handle = server.handle();
    let clients: Vec<_> = (0..8).map(|_| connect(&address)).collect();
    clients.iter().for_each(|client| send(client, "a\n"));
    gate.wait_waiting(4);
    handle.set_workers(1).expect("a thread");
    // Three of the four come back, and no worker takes their place.
    for count in 1..=3 {
        gate.admit(1);
        wait_until("one is back", || served.load(SeqCst) == count);
    }
    most.store(0, SeqCst);
    // The last of them, and then the others one after the other.
    for count in 4..=8 {
        gate.admit(1);
        wait_until("the next is served", || served.load(SeqCst) == count);
    }
    assert_eq!(most.load(SeqCst), 1);
    for client in &clients {
        assert_eq!(take_line(client), "a");
    }
    for wrong in [0, 1025] {
        let error = handle.set_workers(wrong).expect_err("out of bounds");
        assert!(error.to_string().starts_with("workers: "), "{error}");
    }
    drop(clients);
    finish(server);
}

/// With one worker the load takes its turns one by one; with 64, half a hundred handlers block
/// together; with two again, two.
#[test]
fn workers_under_load_are_more_and_fewer_at_once_and_nothing_is_lost() {
    const CLIENTS: usize = 100;
    // How many are inside now, and the most that there were.
    let counts = Arc::new(Mutex::new((0, 0)));
    let inside = Arc::clone(&counts);
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            {
                let mut counts = inside.lock();
                counts.0 += 1;
                counts.1 = counts.1.max(counts.0);
            }
            // A handler that blocks for a while.
            std::thread::sleep(Duration::from_millis(2));
            inside.lock().0 -= 1;
            line.to_vec()
        }),
    );
    let handle = server.handle();
    let (goes_on, over) = mpsc::channel::<()>();
    let mut took = Vec::new();
    let answered: u64 = std::thread::scope(|scope| {
        let address = &address;
        let clients = scope.spawn(move || {
            let clients: Vec<_> = (0..CLIENTS).map(|_| connect(address)).collect();
            let mut round = 0;
            while over.try_recv() == Err(TryRecvError::Empty) {
                let line = format!("{round}");
                clients
                    .iter()
                    .for_each(|one| send(one, format!("{line}\n")));
                clients
                    .iter()
                    .for_each(|one| assert_eq!(take_line(one), line));
                round += 1;
            }
            round * CLIENTS as u64
        });
        for (workers, at_least) in [(4, 4), (64, 50), (2, 2), (64, 50), (2, 2)] {
            let begin = Instant::now();
            handle.set_workers(workers).expect("threads");
            wait_until("no more than there are", || {
                let mut counts = counts.lock();
                counts.1 = counts.0;
                counts.0 <= workers
            });
            wait_until("as many as there are", || counts.lock().1 >= at_least);
            took.push(begin.elapsed());
            let before = handle.stats().messages_in;
            let more = || handle.stats().messages_in > before + CLIENTS as u64 * 2;
            wait_until("it goes on", more);
            let highest = counts.lock().1;
            assert!(highest <= workers, "{highest} of {workers}");
        }
        drop(goes_on);
        clients.join().expect("every line is answered")
    });
    eprintln!("{answered} answered; each number of workers took {took:?}");
    // Beside other tests a thread waits for the machine for longer than that.
    let most = at_most(Duration::from_millis(100));
    assert!(took.iter().all(|took| *took < most), "{took:?}");
    assert_eq!(finish(server).received, answered);
}
