//! SIGUSR1 asks how it is, SIGUSR2 is nothing; neither ends it.

use rustix::process::Signal;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take, take_to_end};

#[test]
fn usr1_tells_the_state_and_usr2_is_nothing() {
    let mut daemon = Daemon::echo(&["-w", "3", "--framing", "octet"]);
    let client = connect(&daemon.address);
    send(&client, "5 hello");
    assert_eq!(take(&client, 7), b"5 hello");
    daemon.signal(Signal::USR2);
    let bad = connect(&daemon.address);
    send(&bad, "no count");
    assert_eq!(take_to_end(&bad), b"");
    drop(bad);
    daemon.signal(Signal::USR1);
    let first = daemon
        .stderr
        .wait_line("state: running (service=echo, address=");
    assert!(first.contains(&daemon.address), "{first}");
    daemon.stderr.wait_line("accepted=2");
    daemon.stderr.wait_line("total=3, stuck=0, panics=0, ");
    daemon
        .stderr
        .wait_line("state: traffic (messages_in=1, messages_out=1, bytes_in=");
    daemon.stderr.wait_line("state: so far framing 1");
    assert!(
        daemon.stderr.text().contains("p99=≤ "),
        "a bound is shown as one"
    );

    // The client does not close: there is a drain to be asked about.
    daemon.interrupt();
    daemon.stderr.wait_line("draining; press");
    // That line comes first; the end of what the client is sent tells that the drain has begun.
    assert_eq!(take_to_end(&client), b"");
    daemon.signal(Signal::USR1);
    daemon.stderr.wait_line("state: draining");
    let line = daemon.stderr.wait_line("cut_off=");
    // The other one's end may not be seen yet.
    let is_open = line.contains("open=1,") || line.contains("open=2,");
    assert!(is_open && line.ends_with("cut_off=0)"), "{line}");
    end(&client);
    drop(client);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn a_drain_names_the_clients_that_have_not_closed() {
    for service in ["recv", "echo", "chat"] {
        let mut daemon = Daemon::start(&[service, "127.0.0.1:0", "--drain", "1m"]);
        let client = connect(&daemon.address);
        send(&client, "hello\n");
        daemon.interrupt();
        let line = daemon.stderr.wait_line("to close; nc does so with -N");
        let peer = client.local_addr().expect("a socket").to_string();
        assert!(line.contains("clients=1") && line.contains(&peer), "{line}");
        drop(client);
        assert_eq!(daemon.wait_exit().code, Some(0));
    }
}

#[test]
fn the_keeper_of_programs_passes_it_on_and_they_get_signals_as_ever() {
    let script = "grep -E 'Sig(Blk|Ign)' /proc/self/status; read -r _";
    let args = ["exec", "127.0.0.1:0", "--shell", script];
    let mut daemon = Daemon::start(&args);
    let client = connect(&daemon.address);
    for _ in 0..2 {
        let line = crate::support::net::take_line(&client);
        let (_, mask) = line.split_once(":\t").expect("a mask");
        let mask = u64::from_str_radix(mask, 16).expect("a mask");
        let both = 1 << (Signal::USR1.as_raw() - 1) | 1 << (Signal::USR2.as_raw() - 1);
        assert_eq!(mask & both, 0, "{line}");
    }
    daemon.signal(Signal::USR2);
    daemon.signal(Signal::USR1);
    daemon.stderr.wait_line("state: running (service=exec, ");
    daemon.stderr.wait_line("state: workers (busy=1, ");
    send(&client, "\n");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}
