//! Plots as SVG: thin lines on a grid, readable on light and on dark paper.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
const LEGEND_LINE: f64 = 18.0;

/// Colours that keep apart on white and on black, and for the colour-blind (Okabe & Ito, *Color universal design*,
/// 2008: orange, blue, green, purple).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// One axis.
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Where lines stand, and what is written there.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) logarithmic: bool,
}

impl Axis {
    /// A straight axis with a line every `step`.
    pub(crate) fn straight(label: &'static str, low: f64, high: f64, step: f64) -> Axis {
        let lines = ((high - low) / step).round() as usize;
        let value = |n: usize| low + step * n as f64;
        let ticks = (0..=lines).map(|n| (value(n), crate::markdown::number(value(n), 2))).collect();
        Axis { label, low, high, ticks, logarithmic: false }
    }

    /// Frequency from 5 Hz to 20 kHz.
    pub(crate) fn spectrum() -> Axis {
        let mut axis = Axis::frequency();
        axis.low = 5.0;
        axis.ticks.splice(0..0, [(5.0, "5".to_string()), (10.0, "10".to_string())]);
        axis
    }

    /// Frequency from 20 Hz to 20 kHz.
    pub(crate) fn frequency() -> Axis {
        let hz = [20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0];
        let text = |hz: f64| if hz < 1_000.0 { format!("{hz}") } else { format!("{} k", hz / 1_000.0) };
        let ticks = hz.iter().map(|hz| (*hz, text(*hz))).collect();
        Axis { label: "frequency, Hz", low: 20.0, high: 20_000.0, ticks, logarithmic: true }
    }

    fn part(&self, value: f64) -> f64 {
        match self.logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }
}

/// One curve or row of bars.
pub(crate) struct Curve {
    pub(crate) legend: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws curves; `bars` draws each point as a bar from the bottom. `title` is read aloud to who cannot see it.
pub(crate) fn svg(title: &str, x: &Axis, y: &Axis, curves: &[Curve], bars: bool) -> String {
    let legends = curves.iter().filter(|c| !c.legend.is_empty()).count();
    let height = HEIGHT + LEGEND_LINE * legends as f64;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(title));
    let _ = writeln!(
        out,
        "<clipPath id=\"frame\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/></clipPath>",
        WIDTH - LEFT - RIGHT,
        HEIGHT - TOP - BOTTOM
    );
    // A middle grey and no background: the page's own paper shows through, white or black.
    out.push_str("<g stroke=\"#808080\" stroke-opacity=\"0.35\" fill=\"none\">\n");
    let place_x = |value: f64| LEFT + x.part(value) * (WIDTH - LEFT - RIGHT);
    let place_y = |value: f64| HEIGHT - BOTTOM - y.part(value) * (HEIGHT - TOP - BOTTOM);
    for (value, _) in &x.ticks {
        let _ = writeln!(out, "<path d=\"M{0:.1} {TOP:.1}V{1:.1}\"/>", place_x(*value), HEIGHT - BOTTOM);
    }
    for (value, _) in &y.ticks {
        let _ = writeln!(out, "<path d=\"M{LEFT:.1} {0:.1}H{1:.1}\"/>", place_y(*value), WIDTH - RIGHT);
    }
    out.push_str("</g>\n<g fill=\"#808080\">\n");
    for (value, text) in &x.ticks {
        let (at, below) = (place_x(*value), HEIGHT - BOTTOM + 16.0);
        let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{text}</text>");
    }
    for (value, text) in &y.ticks {
        let (at, beside) = (place_y(*value) + 4.0, LEFT - 6.0);
        let _ = writeln!(out, "<text x=\"{beside:.1}\" y=\"{at:.1}\" text-anchor=\"end\">{text}</text>");
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(
        out,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        HEIGHT - 6.0,
        escaped(x.label)
    );
    let upright = (TOP + HEIGHT - BOTTOM) / 2.0;
    let _ = writeln!(
        out,
        "<text transform=\"translate(14 {upright:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n</g>",
        escaped(y.label)
    );
    for (n, curve) in curves.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        // What leaves the frame is drawn a little further, and cut off at its edge.
        let beyond = y.high - y.low;
        let within = |value: f64| value.clamp(y.low - beyond, y.high + beyond);
        let points = curve.points.iter().map(|(px, py)| (place_x(*px), place_y(within(*py))));
        let mut path = String::new();
        for (m, (px, py)) in points.enumerate() {
            let _ = match bars {
                // Bars of several curves stand beside each other.
                true => write!(path, "M{:.1} {:.1}V{py:.1}", px + 8.0 * n as f64 - 4.0, HEIGHT - BOTTOM),
                false => write!(path, "{}{px:.1} {py:.1}", if m == 0 { "M" } else { "L" }),
            };
        }
        let stroke = if bars { 6 } else { 2 };
        let _ = writeln!(
            out,
            "<path clip-path=\"url(#frame)\" d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{stroke}\" stroke-linejoin=\"round\"/>"
        );
        if !curve.legend.is_empty() {
            let line = HEIGHT + LEGEND_LINE * n as f64 + 4.0;
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT:.1} {line:.1}h24\" stroke=\"{colour}\" stroke-width=\"3\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#808080\">{}</text>",
                LEFT + 32.0,
                line + 4.0,
                escaped(&curve.legend)
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_stands_where_its_axes_say() {
        let (x, y) = (Axis::straight("in", 0.0, 10.0, 5.0), Axis::straight("out", -60.0, 0.0, 20.0));
        let curves = [Curve { legend: "a < b".into(), points: vec![(0.0, -60.0), (10.0, 0.0)] }];
        let drawn = svg("t", &x, &y, &curves, false);
        // From the lower left corner to the upper right one.
        assert!(drawn.contains("M52.0 260.0L708.0 12.0"), "{drawn}");
        assert!(drawn.contains("a &lt; b"), "{drawn}");
        assert!((Axis::frequency().part(632.455_532) - 0.5).abs() < 1e-9, "the middle of 20 Hz and 20 kHz");
    }
}
