//! Plots as SVG: every point finite and inside its picture, every axis with its unit.
//!
//! A picture is drawn for the width at which it will be seen: letters keep their size on a phone because a narrow
//! picture is drawn anew, not shrunk. Colours are classes, so that the page's theme decides.

mod arriving;
mod axis;
mod bands;
mod ladder;
mod loudness;
mod reductions;
mod spectrum;
mod tracks;

pub(crate) use arriving::arriving;
pub(crate) use axis::{Scale, clock_ticks, even_ticks};
pub(crate) use bands::{BandPlot, bands};
pub(crate) use ladder::{Rung, ladder};
pub(crate) use loudness::{COLUMN_PX, LoudnessPlot, draw_history, loudness};
pub(crate) use reductions::reductions;
pub(crate) use spectrum::{ENDS_HZ, SpectrumPlot, spectrum};
pub(crate) use tracks::{TrackLevels, tracks};

use crate::markup::Markup;

/// Where a picture will be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// On a screen or on paper.
    Wide,
    /// On a phone.
    Narrow,
}

impl Size {
    /// Width of the picture, in pixels.
    pub(crate) fn width(self) -> f64 {
        self.pick(800.0, 350.0)
    }

    /// The first on a screen, the second on a phone.
    pub(crate) fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Size::Wide => wide,
            Size::Narrow => narrow,
        }
    }
}

/// Which way a text runs from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// About how wide a letter of the axes is, in pixels: to see beforehand whether a name fits.
pub(crate) const LETTER_PX: f64 = 6.4;

/// A picture under construction.
pub(crate) struct Canvas {
    width: f64,
    height: f64,
    body: Markup,
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Canvas {
        Canvas { width, height, body: Markup::default() }
    }

    /// The picture with its name and what it shows, for those who hear the page. `id` is unique on the page.
    pub(crate) fn finish(self, id: &str, title: &str, description: &str) -> Markup {
        let Canvas { width, height, body } = self;
        let (title_id, description_id) = (format!("{id}-title"), format!("{id}-desc"));
        let mut svg = Markup::default();
        let attributes = [
            ("viewBox", format!("0 0 {width:.0} {height:.0}")),
            ("role", "img".into()),
            ("aria-labelledby", format!("{title_id} {description_id}")),
        ];
        let attributes: Vec<(&str, &str)> = attributes.iter().map(|(k, v)| (*k, v.as_str())).collect();
        svg.element("svg", &attributes, |svg| {
            svg.leaf("title", &[("id", &title_id)], title);
            svg.leaf("desc", &[("id", &description_id)], description);
            svg.append(body);
        });
        svg
    }

    /// The picture as a file of its own, in its own size and colours.
    pub(crate) fn finish_alone(self, style: &str, title: &str, description: &str) -> String {
        let Canvas { width, height, body } = self;
        let [w, h] = [px(width), px(height)];
        let view = format!("0 0 {w} {h}");
        let attributes = [
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", &view),
            ("width", &w),
            ("height", &h),
            ("role", "img"),
            ("aria-labelledby", "title desc"),
        ];
        let mut svg = Markup::default();
        svg.element("svg", &attributes, |svg| {
            svg.leaf("title", &[("id", "title")], title);
            svg.leaf("desc", &[("id", "desc")], description);
            // Quotation marks and brackets of a style sheet are escaped like those of any text.
            svg.leaf("style", &[], style);
            svg.void("rect", &[("class", "paper"), ("width", &w), ("height", &h)]);
            svg.append(body);
        });
        svg.into_text() + "\n"
    }

    /// A line through points.
    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.len() > 1 {
            let data = self.path_data(points);
            self.body.void("path", &[("class", class), ("d", &data)]);
        }
    }

    /// A filled shape through points.
    pub(crate) fn area(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.len() > 2 {
            let data = self.path_data(points) + "Z";
            self.body.void("path", &[("class", class), ("d", &data)]);
        }
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [self.x(from.0), self.y(from.1), self.x(to.0), self.y(to.1)];
        self.body.void("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
    }

    pub(crate) fn rect(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (left, right) = (from.0.min(to.0).max(0.0), from.0.max(to.0).min(self.width));
        let (top, bottom) = (from.1.min(to.1).max(0.0), from.1.max(to.1).min(self.height));
        let [x, y] = [self.x(left), self.y(top)];
        let [width, height] = [px((right - left).max(0.0)), px((bottom - top).max(0.0))];
        let attributes = [("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)];
        self.body.void("rect", &attributes);
    }

    pub(crate) fn dot(&mut self, class: &str, at: (f64, f64), radius: f64) {
        let [x, y, radius] = [self.x(at.0), self.y(at.1), px(radius)];
        self.body.void("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", &radius)]);
    }

    pub(crate) fn text(&mut self, class: &str, anchor: Anchor, at: (f64, f64), text: &str) {
        let [x, y] = [self.x(at.0), self.y(at.1)];
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let attributes = [("class", class), ("text-anchor", anchor), ("x", &x), ("y", &y)];
        self.body.leaf("text", &attributes, text);
    }

    fn path_data(&self, points: &[(f64, f64)]) -> String {
        let step = |(place, (x, y)): (usize, &(f64, f64))| {
            format!("{}{} {}", if place == 0 { "M" } else { "L" }, self.x(*x), self.y(*y))
        };
        points.iter().enumerate().map(step).collect()
    }

    fn x(&self, value: f64) -> String {
        px(inside(value, self.width))
    }

    fn y(&self, value: f64) -> String {
        px(inside(value, self.height))
    }
}

/// A place within a picture; what is not a number stands at its edge.
fn inside(value: f64, size: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, size) }
}

/// A length to a tenth of a pixel.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
}

/// The part of a picture in which the data stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}
