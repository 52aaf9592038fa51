//! Draws curves as SVG: counts on a logarithmic axis, with the spread of the runs at each point.

use std::error::Error;
use std::io;
use std::path::Path;

use plotters::prelude::*;
use serde_json::{Value, json};

use super::spread::Spread;

/// A chart.
pub struct Curves {
    pub name: String,
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub y_axis: Axis,
    pub lines: Vec<Curve>,
}

/// The height of a value in the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Linear,
    Logarithmic,
}

impl Axis {
    fn place(self, value: f64) -> f64 {
        match self {
            Axis::Linear => value,
            Axis::Logarithmic => value.max(1.0).log10(),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Axis::Linear => place,
            Axis::Logarithmic => 10f64.powf(place),
        }
    }
}

pub struct Curve {
    pub label: String,
    pub points: Vec<(f64, Spread)>,
}

/// Distinguishable in print and for colour-blind readers.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 90, 180),
    RGBColor(215, 90, 0),
    RGBColor(0, 140, 100),
    RGBColor(150, 60, 150),
    RGBColor(90, 90, 90),
];

const SIZE: (u32, u32) = (800, 450);

/// Room above the highest point.
const HEADROOM: f64 = 1.15;

pub fn draw(curves: &Curves, path: &Path) -> io::Result<()> {
    if curves.lines.iter().all(|line| line.points.is_empty()) {
        return Ok(());
    }
    paint(curves, path).map_err(|error| io::Error::other(error.to_string()))
}

fn paint(curves: &Curves, path: &Path) -> Result<(), Box<dyn Error>> {
    let points = || curves.lines.iter().flat_map(|line| &line.points);
    let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let most = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let axis = curves.y_axis;
    let highest = points().map(|(_, spread)| spread.most).fold(0.0, f64::max);
    let lowest = points()
        .map(|(_, spread)| spread.least)
        .fold(highest, f64::min);
    let bottom = match axis {
        Axis::Linear => 0.0,
        Axis::Logarithmic => axis.place(lowest).floor(),
    };
    let top = axis.place(highest * HEADROOM);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(&curves.title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d((least..most * 1.01).log_scale(), bottom..top)?;
    chart
        .configure_mesh()
        .x_desc(curves.x)
        .y_desc(curves.y)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| thousands(axis.value(*y)))
        .light_line_style(WHITE)
        .draw()?;
    for (line, colour) in curves.lines.iter().zip(COLOURS.iter().cycle()) {
        let middle = line
            .points
            .iter()
            .map(|(x, spread)| (*x, axis.place(spread.median)));
        chart
            .draw_series(LineSeries::new(middle.clone(), colour.stroke_width(2)))?
            .label(&line.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(middle.map(|at| Circle::new(at, 3, colour.filled())))?;
        let ends = line
            .points
            .iter()
            .map(|(x, s)| vec![(*x, axis.place(s.least)), (*x, axis.place(s.most))]);
        chart.draw_series(ends.map(|ends| PathElement::new(ends, colour.stroke_width(1))))?;
    }
    let legend = match axis {
        Axis::Linear => SeriesLabelPosition::UpperLeft,
        // The upper corners are occupied: throughput is high there.
        Axis::Logarithmic => SeriesLabelPosition::LowerRight,
    };
    chart
        .configure_series_labels()
        .position(legend)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

fn thousands(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.0} k", value / 1000.0)
    } else {
        format!("{value:.0}")
    }
}

impl Curves {
    pub fn json(&self) -> Value {
        let points = |line: &Curve| -> Vec<Value> {
            line.points
                .iter()
                .map(|(x, spread)| json!({ "x": x, "y": spread.json() }))
                .collect()
        };
        let lines = self
            .lines
            .iter()
            .map(|line| json!({ "label": line.label, "points": points(line) }));
        json!({
            "name": self.name,
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "lines": lines.collect::<Vec<_>>(),
        })
    }
}
