//! Plots, on white and on dark: colours of middle lightness on no ground, and text that follows the scheme of whoever looks.

use std::fmt::Write;

use crate::report::table::{As, shown};
use crate::results::Series;

const COLOURS: [&str; 8] =
    ["#d9480f", "#1c7ed6", "#2b8a3e", "#9c36b5", "#c2255c", "#0c8599", "#868e96", "#b08900"];
const STYLE: &str = "<style>text{font:13px system-ui,sans-serif;fill:#6e7781}.title{font-weight:600;font-size:15px}\
.grid{stroke:#868e96;stroke-opacity:.3}@media(prefers-color-scheme:dark){text{fill:#ced4da}}</style>";
const WIDTH: f64 = 760.0;

/// Lines over a few places, both ways by powers of ten.
pub(crate) struct Lines<'a> {
    pub(crate) title: &'a str,
    pub(crate) across: &'a [f64],
    pub(crate) lines: Vec<(&'static str, Vec<(f64, f64)>)>,
}

impl Lines<'_> {
    pub(crate) fn draw(&self) -> String {
        const HEIGHT: f64 = 420.0;
        const AREA: (f64, f64, f64, f64) = (80.0, 50.0, 560.0, 380.0);
        let (left, top, right, bottom) = AREA;
        let values = || self.lines.iter().flat_map(|(_, points)| points.iter().map(|(_, value)| *value));
        let floor = 10f64.powf(values().fold(1e9, f64::min).max(1.0).log10().floor());
        let ceiling = 10f64.powf(values().fold(floor * 10.0, f64::max).log10().ceil());
        let (first, last) = (self.across[0], self.across[self.across.len() - 1]);
        let x = |value: f64| left + (right - left) * (value / first).ln() / (last / first).ln();
        let y = |value: f64| bottom - (bottom - top) * (value / floor).ln() / (ceiling / floor).ln();

        let mut svg = open(HEIGHT, self.title);
        for place in self.across {
            line(&mut svg, (x(*place), top), (x(*place), bottom));
            text(&mut svg, (x(*place), bottom + 20.0), "middle", &shown(*place, As::Whole));
        }
        let mut power = floor;
        while power <= ceiling * 1.001 {
            line(&mut svg, (left, y(power)), (right, y(power)));
            text(&mut svg, (left - 8.0, y(power) + 4.0), "end", &shown(power, As::Whole));
            power *= 10.0;
        }
        // The names stand where their lines end, pushed apart so that none covers another.
        let mut ends: Vec<_> = self
            .lines
            .iter()
            .zip(COLOURS)
            .filter_map(|((name, points), colour)| Some((y(points.last()?.1), *name, colour)))
            .collect();
        ends.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        let mut above = f64::NEG_INFINITY;
        for (end, name, colour) in ends {
            let place = end.max(above + 17.0);
            above = place;
            let at = (right + 12.0, place + 4.0);
            let _ = write!(svg, "<circle cx='{}' cy='{place:.1}' r='4' fill='{colour}'/>", right + 10.0);
            text(&mut svg, (at.0 + 10.0, at.1), "start", name);
        }
        for ((_, points), colour) in self.lines.iter().zip(COLOURS) {
            let places: Vec<_> =
                points.iter().map(|(across, value)| format!("{:.1},{:.1}", x(*across), y(*value))).collect();
            let _ = write!(
                svg,
                "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2.5'/>",
                places.join(" ")
            );
            for (across, value) in points {
                let _ = write!(
                    svg,
                    "<circle cx='{:.1}' cy='{:.1}' r='3.5' fill='{colour}'/>",
                    x(*across),
                    y(*value)
                );
            }
        }
        svg + "</svg>\n"
    }
}

/// A bar for each contestant, with the least and the most of all rounds as a thin line.
pub(crate) struct Bars<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) bars: Vec<(String, Option<Series>)>,
}

impl Bars<'_> {
    pub(crate) fn draw(&self) -> String {
        const LEFT: f64 = 190.0;
        const RIGHT: f64 = 640.0;
        const STEP: f64 = 32.0;
        let most = self.bars.iter().filter_map(|(_, series)| series.as_ref()).map(|series| series.range().1);
        let most = most.fold(f64::MIN_POSITIVE, f64::max);
        let x = |value: f64| LEFT + (RIGHT - LEFT) * value / most;

        let mut svg = open(60.0 + STEP * self.bars.len() as f64, self.title);
        for (index, ((name, series), colour)) in self.bars.iter().zip(COLOURS).enumerate() {
            let top = 48.0 + STEP * index as f64;
            let middle = top + 11.0;
            text(&mut svg, (LEFT - 10.0, middle + 4.0), "end", name);
            let Some((series, median)) = series.as_ref().and_then(|series| Some((series, series.median()?)))
            else {
                text(&mut svg, (LEFT + 6.0, middle + 4.0), "start", "–");
                continue;
            };
            let (least, most) = series.range();
            let _ = write!(
                svg,
                "<rect x='{LEFT}' y='{top}' width='{:.1}' height='22' rx='3' fill='{colour}' fill-opacity='.85'/>\
                 <line x1='{:.1}' y1='{middle}' x2='{:.1}' y2='{middle}' stroke='#868e96' stroke-width='2'/>",
                x(median) - LEFT,
                x(least),
                x(most)
            );
            let how = if self.unit.is_empty() { As::Whole } else { As::Fine };
            let told = format!("{}{}", shown(median, how), self.unit);
            text(&mut svg, (x(most) + 8.0, middle + 4.0), "start", &told);
        }
        svg + "</svg>\n"
    }
}

fn open(height: f64, title: &str) -> String {
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' role='img' \
         aria-label='{title}'>{STYLE}"
    );
    let _ = write!(svg, "<text class='title' x='12' y='26'>{title}</text>");
    svg
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = write!(svg, "<line class='grid' x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}'/>");
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = write!(svg, "<text x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'>{text}</text>");
}
