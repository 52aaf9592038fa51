//! The daemon.
fn main() -> poold::Result<()> {
    let server = poold::Server::bind("127.0.0.1:8080", poold::Options::default(), poold::service::Echo)?;
    println!("listening on {}", server.address());
    let handle = server.handle();
    ctrlc::set_handler(move || {
        if handle.phase() == poold::ServerPhase::Running { handle.drain() } else { handle.hurry() }
    })
    .unwrap();
    println!("{}", server.wait());
    Ok(())
}
