//! What a service shows of its own: metrics, and tables for the page and `poold status`.
//!
//! The daemon gives it to the [`View`](super::View); the admin knows no service.

use serde::{Deserialize, Serialize};

/// A service's own figures.
pub(crate) trait OwnFigures: Send + Sync {
    /// Families for `/metrics`. No label's values may grow with the number of clients.
    fn metrics(&self) -> Vec<OwnMetric>;

    /// Tables for the page and `poold status`.
    fn tables(&self) -> Vec<Table>;

    /// Why the daemon should get no new clients; `None` if it may.
    fn unready(&self) -> Option<String> {
        None
    }

    /// Messages dropped for a client that reads too slowly; `None` if the service drops none.
    fn dropped_of(&self, _client: u64) -> Option<u64> {
        None
    }
}

/// A family of metrics.
pub(crate) struct OwnMetric {
    pub(crate) name: &'static str,
    /// What it means, and what to do about it.
    pub(crate) help: &'static str,
    pub(crate) values: Values,
}

impl OwnMetric {
    pub(crate) fn new(name: &'static str, help: &'static str, values: Values) -> OwnMetric {
        OwnMetric { name, help, values }
    }
}

/// One value, or one for each value of a label.
pub(crate) enum Values {
    Counter(f64),
    Gauge(f64),
    Counters(&'static str, Vec<(String, f64)>),
    Gauges(&'static str, Vec<(String, f64)>),
}

/// Rows of figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) unit: Unit,
}

/// What the numbers of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Text,
    Count,
    Bytes,
    Seconds,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Number(u64),
    Text(String),
}

impl Table {
    pub(crate) fn new(name: &str, columns: &[(&str, Unit)]) -> Table {
        let columns = columns.iter().map(|(name, unit)| Column {
            name: (*name).to_owned(),
            unit: *unit,
        });
        Table {
            name: name.to_owned(),
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// One row of figures, each under its name.
    pub(crate) fn of_one(name: &str, figures: &[(&str, Unit, u64)]) -> Table {
        let columns: Vec<_> = figures
            .iter()
            .map(|(name, unit, _)| (*name, *unit))
            .collect();
        let row = figures.iter().map(|(.., figure)| Cell::Number(*figure));
        Table {
            rows: vec![row.collect()],
            ..Table::new(name, &columns)
        }
    }

    /// The same, of counts.
    pub(crate) fn of_counts(name: &str, counts: &[(&str, u64)]) -> Table {
        let figures = counts
            .iter()
            .map(|(name, count)| (*name, Unit::Count, *count));
        Table::of_one(name, &figures.collect::<Vec<_>>())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::Number(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}
