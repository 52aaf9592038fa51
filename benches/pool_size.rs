//! Throughput against the number of workers, for three kinds of handler: one that returns at
//! once, one that computes 50 µs, one that sleeps 1 ms. 64 clients over loopback, each with one
//! 64-byte line in flight.
//!
//! `cargo bench` draws the curves: `target/criterion/<handler>/report/index.html`.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use criterion::{
    AxisScale, BenchmarkId, Criterion, PlotConfiguration, Throughput, criterion_group,
    criterion_main,
};
use poold::{Address, Options, Server, answer};

const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const CLIENTS: usize = 64;
const LINE: usize = 64;

/// 64 clients that send together and wait for all answers: one round.
struct Crowd(Vec<TcpStream>);

impl Crowd {
    fn connect(server: &Server) -> Crowd {
        let Address::Tcp(addresses) = server.address() else {
            unreachable!("bound over TCP")
        };
        let connect = |_| {
            let stream = TcpStream::connect(addresses[0]).expect("the server listens");
            stream.set_nodelay(true).expect("a connected socket");
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("a valid timeout");
            stream
        };
        Crowd((0..CLIENTS).map(connect).collect())
    }

    fn round(&mut self) {
        let mut line = [b'x'; LINE];
        line[LINE - 1] = b'\n';
        for stream in &mut self.0 {
            stream.write_all(&line).expect("the server reads");
        }
        let mut answer = [0; LINE];
        for stream in &mut self.0 {
            stream.read_exact(&mut answer).expect("the server answers");
            assert_eq!(answer, line);
        }
    }
}

fn compute(line: &[u8]) -> &[u8] {
    let until = Instant::now() + Duration::from_micros(50);
    while Instant::now() < until {
        black_box(line);
    }
    line
}

fn sleep(line: &[u8]) -> &[u8] {
    std::thread::sleep(Duration::from_millis(1));
    line
}

fn throughput(criterion: &mut Criterion, name: &str, handler: fn(&[u8]) -> &[u8]) {
    let mut group = criterion.benchmark_group(name);
    group
        .throughput(Throughput::Elements(CLIENTS as u64))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .plot_config(PlotConfiguration::default().summary_scale(AxisScale::Logarithmic));
    for workers in WORKERS {
        let options = Options {
            workers,
            ..Options::default()
        };
        let service = answer(move |line: &[u8]| handler(line).to_vec());
        let server = Server::bind("127.0.0.1:0", options, service).expect("a free port");
        let mut crowd = Crowd::connect(&server);
        group.bench_function(BenchmarkId::from_parameter(workers), |bencher| {
            bencher.iter(|| crowd.round());
        });
        drop(crowd);
        drop(server);
    }
    group.finish();
}

fn pool_size(criterion: &mut Criterion) {
    throughput(criterion, "returns at once", |line| line);
    throughput(criterion, "computes 50 us", compute);
    throughput(criterion, "sleeps 1 ms", sleep);
}

criterion_group!(benches, pool_size);
criterion_main!(benches);
