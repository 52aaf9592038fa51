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
    let units: Vec<_> = units.collect();
    let lines = aligned(&grid, |at| units[at] == Unit::Text);
    let named = lines.into_iter().enumerate().map(|(number, line)| {
        let name = if number == 0 { table.name.as_str() } else { "" };
        let line = format!("{:<12}{line}", plain(name));
        match number {
            0 => style(line).dim().to_string(),
            _ => line,
        }
    });
    std::iter::once(String::new()).chain(named).collect()
}

/// Columns as wide as their widest cell: texts on the left, numbers on the right.
pub(super) fn aligned(grid: &[Vec<String>], is_text: impl Fn(usize) -> bool) -> Vec<String> {
    let count = grid.first().map_or(0, Vec::len);
    let widest = |at: usize| {
        grid.iter()
            .filter_map(|row| row.get(at))
            .map(|cell| width(cell))
            .max()
    };
    let widths: Vec<_> = (0..count).map(|at| widest(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(at, (cell, width))| match is_text(at) {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        let cells: Vec<_> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    grid.iter().map(line).collect()
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
