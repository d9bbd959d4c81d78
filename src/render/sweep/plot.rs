//! A metric over the first parameter, drawn with Braille dots: two by four to a character.

use console::measure_text_width;

use crate::gate::sweep::quantity::Quantity;
use crate::render::compare::value;
use crate::render::text::cut;
use crate::report::{Sweep, SweepRow};

/// Lines of at most `width` columns; none where nothing is to be drawn: no metric, fewer than two points, no data.
pub fn lines(sweep: &Sweep, width: usize) -> Vec<String> {
    let Some(metric) = &sweep.plot else { return Vec::new() };
    let values = &sweep.axes[0].values;
    let curves = curves(sweep, metric);
    let most = curves.iter().flat_map(|curve| &curve.points).map(|(_, y)| *y).fold(0.0, f64::max);
    if values.len() < 2 || curves.iter().all(|curve| curve.points.len() < 2) || most <= 0.0 {
        return Vec::new();
    }
    let scale = [value::text(metric, Some(most)), value::text(metric, Some(0.0))];
    let margin = scale.iter().map(|text| measure_text_width(text)).max().unwrap_or(0) + 2;
    let columns = width.saturating_sub(margin).min(COLUMNS_MAX);
    if columns < 8 {
        return Vec::new();
    }
    let mut canvas = Canvas::new(columns);
    curves.iter().for_each(|curve| canvas.line(&scaled(curve, most, &canvas)));
    // Marks last: a line of another curve must not hide them.
    curves.iter().for_each(|curve| canvas.marks(&scaled(curve, most, &canvas), curve.mark));
    let mut lines = vec![String::new(), cut(&title(sweep, metric, &curves), width)];
    for (row, text) in canvas.rows().into_iter().enumerate() {
        let label = if row == 0 {
            &scale[0]
        } else if row + 1 == ROWS {
            &scale[1]
        } else {
            ""
        };
        let blanks = " ".repeat(margin - 2 - measure_text_width(label));
        lines.push(format!("{blanks}{label} ┤{text}").trim_end().to_owned());
    }
    let (first, last) = (&values[0], &values[values.len() - 1]);
    let room = columns.saturating_sub(measure_text_width(first));
    lines.push(cut(&format!("{}{first}{last:>room$}", " ".repeat(margin)), width));
    lines
}

/// One strategy at one point of the other axes.
struct Curve {
    name: String,
    mark: char,
    /// Position 0…1 and value.
    points: Vec<(f64, f64)>,
}

fn curves(sweep: &Sweep, metric: &str) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for row in &sweep.rows {
        let name = name(sweep, row);
        let index = curves.iter().position(|curve| curve.name == name).unwrap_or_else(|| {
            let mark = MARKS[curves.len() % MARKS.len()];
            curves.push(Curve { name, mark, points: Vec::new() });
            curves.len() - 1
        });
        let mean = row.metrics.iter().find(|known| known.metric == metric).and_then(|metric| metric.mean);
        if let (Some(x), Some(y)) = (position(&sweep.axes[0].values, &row.point[0]), mean) {
            curves[index].points.push((x, y));
        }
    }
    curves
}

fn name(sweep: &Sweep, row: &SweepRow) -> String {
    let others = sweep.axes[1..].iter().zip(&row.point[1..]).map(|(axis, value)| format!("{}={value}", axis.key));
    std::iter::once(row.strategy.clone()).chain(others).collect::<Vec<_>>().join(" ")
}

/// By number where all values are numbers of one unit in rising order, else at equal distances.
fn position(values: &[String], value: &str) -> Option<f64> {
    let numbers: Vec<Quantity> = values.iter().filter_map(|value| Quantity::parse(value)).collect();
    let rising = numbers.windows(2).all(|pair| pair[0].unit == pair[1].unit && pair[0].value() < pair[1].value());
    if rising && numbers.len() == values.len() {
        let (first, last) = (numbers[0].value(), numbers[numbers.len() - 1].value());
        return Quantity::parse(value).map(|number| (number.value() - first) / (last - first));
    }
    values.iter().position(|known| known == value).map(|index| index as f64 / (values.len() - 1) as f64)
}

fn title(sweep: &Sweep, metric: &str, curves: &[Curve]) -> String {
    let names: Vec<String> = curves.iter().map(|curve| format!("{} {}", curve.mark, curve.name)).collect();
    format!("{} over {}   {}", value::label(metric), sweep.axes[0].key, names.join("  "))
}

fn scaled(curve: &Curve, most: f64, canvas: &Canvas) -> Vec<(usize, usize)> {
    let (right, top) = ((canvas.columns * 2 - 1) as f64, (ROWS * 4 - 1) as f64);
    curve.points.iter().map(|(x, y)| ((x * right).round() as usize, ((1.0 - y / most) * top).round() as usize)).collect()
}

/// Dots in characters, and marks over them.
struct Canvas {
    columns: usize,
    dots: Vec<u8>,
    marks: Vec<Option<char>>,
}

impl Canvas {
    fn new(columns: usize) -> Canvas {
        Canvas { columns, dots: vec![0; columns * ROWS], marks: vec![None; columns * ROWS] }
    }

    /// Straight from point to point.
    fn line(&mut self, points: &[(usize, usize)]) {
        for pair in points.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let steps = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
            for step in 0..=steps {
                let part = step as f64 / steps as f64;
                let at = |from: usize, to: usize| (from as f64 + (to as f64 - from as f64) * part).round() as usize;
                self.dot(at(x0, x1), at(y0, y1));
            }
        }
    }

    fn marks(&mut self, points: &[(usize, usize)], mark: char) {
        for (x, y) in points {
            self.marks[(y / 4) * self.columns + x / 2] = Some(mark);
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        // The order of the dots in a Braille pattern (Unicode 2800): down the left column, down the right one, then the
        // fourth row, which was added later.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        self.dots[(y / 4) * self.columns + x / 2] |= BITS[y % 4][x % 2];
    }

    fn rows(&self) -> Vec<String> {
        let cell = |(dots, mark): (&u8, &Option<char>)| match (mark, dots) {
            (Some(mark), _) => *mark,
            (None, 0) => ' ',
            (None, dots) => char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' '),
        };
        let cells: Vec<char> = self.dots.iter().zip(&self.marks).map(cell).collect();
        cells.chunks(self.columns).map(|row| row.iter().collect()).collect()
    }
}

/// Height in characters.
const ROWS: usize = 10;
/// Wider plots are no clearer.
const COLUMNS_MAX: usize = 72;
const MARKS: [char; 8] = ['●', '○', '■', '□', '▲', '△', '◆', '◇'];
