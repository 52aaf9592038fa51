//! A service's own tables, as columns.

use console::style;

use crate::cli::admin::{Cell, Table, Unit};
use crate::cli::figures::{bytes, count, plain, span};

/// All tables, each after an empty line.
pub(super) fn tables(all: &[Table]) -> Vec<String> {
    all.iter().flat_map(table).collect()
}

fn table(table: &Table) -> Vec<String> {
    let units = table.columns.iter().map(|column| column.unit);
    let mut grid: Vec<Vec<String>> = vec![
        table
            .columns
            .iter()
            .map(|column| plain(&column.name))
            .collect(),
    ];
    for row in &table.rows {
        let cells = row.iter().zip(units.clone());
        grid.push(cells.map(|(cell, unit)| shown(cell, unit)).collect());
    }
    let widths: Vec<_> = (0..table.columns.len())
        .map(|at| {
            grid.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| width(cell))
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let mut lines = vec![String::new()];
    for (number, row) in grid.iter().enumerate() {
        let name = if number == 0 { table.name.as_str() } else { "" };
        let mut line = format!("{:<12}", plain(name));
        for ((cell, width), unit) in row.iter().zip(&widths).zip(units.clone()) {
            line += &match unit {
                Unit::Text => format!("{cell:<width$}  "),
                Unit::Count | Unit::Bytes | Unit::Seconds => format!("{cell:>width$}  "),
            };
        }
        let line = line.trim_end();
        lines.push(match number {
            0 => style(line).dim().to_string(),
            _ => line.to_owned(),
        });
    }
    lines
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

fn shown(cell: &Cell, unit: Unit) -> String {
    match (cell, unit) {
        (Cell::Text(text), _) => plain(text),
        (Cell::Number(number), Unit::Bytes) => bytes(*number as f64),
        (Cell::Number(number), Unit::Seconds) => span(*number as f64),
        (Cell::Number(number), Unit::Count | Unit::Text) => count(*number as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(
            "sources",
            &[
                ("source", Unit::Text),
                ("bytes", Unit::Bytes),
                ("heard", Unit::Seconds),
            ],
        );
        table.rows.push(vec!["-".into(), 2048.into(), 65.into()]);
        table
            .rows
            .push(vec!["a\x1bb".into(), 0.into(), "never".into()]);
        let lines = tables(&[table]);
        assert_eq!(
            lines[2..],
            [
                "            -       2.0 KiB  1m 5s",
                "            a?b         0 B  never"
            ]
        );
    }
}
