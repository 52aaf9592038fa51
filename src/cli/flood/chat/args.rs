//! The arguments of `poold flood --chat`.

/// A chat room under load.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChatArgs {
    /// Test a chat room: --senders of the --clients send, all read, and all have to read the same
    /// lines in the same order. Start the server with --rate off. --pipeline limits the lines of a
    /// sender that the slowest reader has not read
    #[arg(long,
        conflicts_with_all = ["churn", "pieces", "greedy", "until_closed",
        "expect", "warmup", "threads"])]
    pub(crate) chat: bool,

    /// With --chat: number of the clients that send
    #[arg(long, value_name = "N", default_value_t = 1, requires = "chat",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) senders: u64,

    /// With --chat: number of rooms over which clients and senders are spread
    #[arg(long, value_name = "N", default_value_t = 1, requires = "chat",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) rooms: u64,

    /// With --chat: number or share (5%) of the clients that stop reading at the start
    #[arg(long, value_name = "N", default_value = "0", value_parser = share, requires = "chat")]
    pub(crate) stalled: Share,
}

/// Some of the clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Share {
    Count(u64),
    /// From 0 to 1.
    Part(f64),
}

impl Share {
    /// The number: rounded, but at least one of a share above zero.
    pub(crate) fn of(self, clients: u64) -> u64 {
        match self {
            Share::Count(count) => count,
            Share::Part(part) => {
                let rounded = (part * clients as f64).round() as u64;
                rounded.max(u64::from(part > 0.0))
            }
        }
    }
}

fn share(text: &str) -> Result<Share, String> {
    let wrong = || "write a number or a share, as 50 or 5%".to_owned();
    let Some(percent) = text.strip_suffix('%') else {
        return text.parse().map(Share::Count).map_err(|_| wrong());
    };
    let percent: f64 = percent.parse().map_err(|_| wrong())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err("a share is between 0% and 100%".to_owned());
    }
    Ok(Share::Part(percent / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_the_clients_and_a_number_is_a_number() {
        for (typed, clients, many) in [
            ("0", 1000, 0),
            ("7", 1000, 7),
            ("5%", 1000, 50),
            ("0.5%", 1000, 5),
            ("5%", 50, 3),
            ("1%", 20, 1),
            ("0%", 20, 0),
            ("100%", 20, 20),
        ] {
            let share = share(typed).expect(typed);
            assert_eq!(share.of(clients), many, "{typed} of {clients}");
        }
        for wrong in [
            "", "%", "many", "-1", "-1%", "101%", "nan%", "inf%", "5 %", "1.5",
        ] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
