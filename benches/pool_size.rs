//! Throughput against the number of workers, for three kinds of handler: one that returns at
//! once, one that computes 50 µs, one that sleeps 1 ms. 64 clients over loopback, each with one
//! 64-byte line in flight.
//!
//! Draws the curves of all three into `throughput.svg` beside criterion's own reports
//! (`target/criterion`); with `-- --save` the picture goes to `benches/runs/pool-size.svg`, too.

// Shared with `peers`, which uses more of them.
#[allow(dead_code)]
#[path = "peers/chart.rs"]
mod chart;
#[allow(dead_code)]
#[path = "peers/spread.rs"]
mod spread;

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use chart::{Axis, Curve, Curves};
use criterion::{AxisScale, BenchmarkId, Criterion, PlotConfiguration, Throughput};
use poold::{Address, Options, Server, answer};
use serde_json::Value;
use spread::Spread;

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

fn throughput(criterion: &mut Criterion, name: &str, handler: Handler) {
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

type Handler = fn(&[u8]) -> &[u8];

const HANDLERS: [(&str, Handler); 3] = [
    ("returns at once", |line| line),
    ("computes 50 us", compute),
    ("sleeps 1 ms", sleep),
];

fn pool_size(criterion: &mut Criterion) {
    for (name, handler) in HANDLERS {
        throughput(criterion, name, handler);
    }
}

/// What criterion has found for one point, as messages a second.
fn found(results: &Path, name: &str, workers: usize) -> Option<Spread> {
    let file = results.join(format!("{name}/{workers}/new/estimates.json"));
    let estimates: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let median = &estimates["median"];
    let interval = &median["confidence_interval"];
    let nanoseconds = [
        &median["point_estimate"],
        &interval["lower_bound"],
        &interval["upper_bound"],
    ];
    Spread::of(
        nanoseconds
            .iter()
            .filter_map(|time| Some(CLIENTS as f64 * 1e9 / time.as_f64()?)),
    )
}

fn draw() {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let results = Path::new(&target).join("criterion");
    let line = |(name, _): &(&str, _)| Curve {
        label: format!("a handler that {name}"),
        points: WORKERS
            .iter()
            .filter_map(|&workers| Some((workers as f64, found(&results, name, workers)?)))
            .collect(),
    };
    let curves = Curves {
        name: "pool-size".into(),
        title: "Throughput against pool size, 64 clients".into(),
        x: "workers",
        y: "messages a second",
        y_axis: Axis::Logarithmic,
        lines: HANDLERS.iter().map(line).collect(),
    };
    let picture = results.join("throughput.svg");
    chart::draw(&curves, &picture).expect("a picture can be written");
    println!("the curves: {}", picture.display());
    if std::env::args().any(|argument| argument == "--save") {
        fs::copy(&picture, "benches/runs/pool-size.svg").expect("run it from the repository");
    }
}

fn main() {
    let mut criterion = Criterion::default();
    if !std::env::args().any(|argument| argument == "--save") {
        criterion = criterion.configure_from_args();
    }
    pool_size(&mut criterion);
    criterion.final_summary();
    draw();
}
