//! Plots of one file as pictures of their own: loudness, spectrum, stereo, and all of them on one sheet.

mod frequency;
mod header;
mod panel;
mod theme;
mod time;

use crate::model::SectionPart;
use crate::plot::{Canvas, Frame};
use header::figures_of;
use measure::{BandPortrait, Facts, LoudnessSeries};
pub use theme::Theme;

/// What was measured of a file, for its plots.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlotPart {
    /// The file's name.
    pub name: String,
    /// Format, rate, channels and length, for people.
    pub about: String,
    /// The readings.
    pub facts: Facts,
    /// Momentary and short-term loudness.
    pub loudness: LoudnessSeries,
    /// Both ends of the loudness range, in LUFS.
    pub range_lufs: Option<(f64, f64)>,
    /// Seconds between two values of `peaks_dbtp`.
    pub peak_step_s: f64,
    /// The highest true peak of all channels in each step, in dBTP.
    pub peaks_dbtp: Vec<Option<f64>>,
    /// Levels, width and correlation by band.
    pub portrait: BandPortrait,
    /// The song's sections, where they are known.
    pub sections: Vec<SectionPart>,
}

impl PlotPart {
    fn duration_s(&self) -> f64 {
        self.facts.duration_s
    }

    fn is_stereo(&self) -> bool {
        self.facts.channels == 2
    }
}

/// The pictures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    /// All on one sheet.
    Sheet,
    /// Loudness and true peak over time.
    Loudness,
    /// Third octaves, a finer curve, tilt and pink noise.
    Spectrum,
    /// Correlation over time and by band, width by third octave.
    Stereo,
}

impl Plot {
    /// Every picture, the sheet first.
    pub const ALL: [Plot; 4] = [Plot::Sheet, Plot::Loudness, Plot::Spectrum, Plot::Stereo];

    /// Its name in file names.
    pub fn id(self) -> &'static str {
        match self {
            Plot::Sheet => "sheet",
            Plot::Loudness => "loudness",
            Plot::Spectrum => "spectrum",
            Plot::Stereo => "stereo",
        }
    }
}

/// The sheet is as wide and high as a screen, the others as half of one.
const SHEET: (f64, f64) = (1600.0, 900.0);
const SINGLE: (f64, f64) = (1200.0, 675.0);
/// Around everything.
const MARGIN: f64 = 44.0;
/// To the left of a frame, for its ticks.
const TICKS: f64 = 46.0;

/// A picture as SVG that needs nothing but itself.
pub fn to_svg(part: &PlotPart, plot: Plot, theme: Theme) -> String {
    let (width, height) = if plot == Plot::Sheet { SHEET } else { SINGLE };
    let mut canvas = Canvas::new(width, height);
    header::draw(&mut canvas, part, figures_of(plot), width);
    header::foot(&mut canvas, height);
    // Below the head, above the labels of the axis and the foot.
    let frame = Frame { left: MARGIN + TICKS, right: width - MARGIN, top: 166.0, bottom: height - 76.0 };
    match plot {
        Plot::Sheet => sheet(&mut canvas, part, frame),
        Plot::Loudness => {
            time::loudness(&mut canvas, part, Frame { bottom: frame.bottom - 132.0, ..frame });
            time::peaks(&mut canvas, part, Frame { top: frame.bottom - 92.0, ..frame });
            time::axis(&mut canvas, part, frame);
        }
        Plot::Spectrum => frequency::spectrum(&mut canvas, part, frame, true),
        Plot::Stereo if part.is_stereo() => {
            let (left, right) = halves(frame, 0.56);
            time::correlation(&mut canvas, part, left);
            time::axis(&mut canvas, part, left);
            let middle = (right.top + right.bottom) / 2.0;
            frequency::width(&mut canvas, part, Frame { bottom: middle - 26.0, ..right }, false);
            frequency::correlation(&mut canvas, part, Frame { top: middle + 26.0, ..right }, true);
        }
        Plot::Stereo => {
            panel::nothing(&mut canvas, frame, "Stereo", "one channel, or more than two: no stereo image")
        }
    }
    let title = format!("{}: {}", part.name, plot.id());
    canvas.finish_alone(&theme.style(), &title, &header::description(part))
}

/// Time to the left, frequency to the right; panels that share an axis stand above each other.
fn sheet(canvas: &mut Canvas, part: &PlotPart, frame: Frame) {
    let (left, right) = halves(frame, 0.6);
    let (peaks, spectrum) = match part.is_stereo() {
        true => (left.bottom - 176.0, right.bottom - 216.0),
        false => (left.bottom, right.bottom),
    };
    time::loudness(canvas, part, Frame { bottom: peaks - 122.0, ..left });
    time::peaks(canvas, part, Frame { top: peaks - 82.0, bottom: peaks, ..left });
    frequency::spectrum(canvas, part, Frame { bottom: spectrum, ..right }, !part.is_stereo());
    if part.is_stereo() {
        time::correlation(canvas, part, Frame { top: peaks + 40.0, ..left });
        frequency::width(canvas, part, Frame { top: spectrum + 40.0, ..right }, true);
    }
    time::axis(canvas, part, left);
}

fn halves(frame: Frame, share: f64) -> (Frame, Frame) {
    let middle = frame.left + (frame.right - frame.left) * share;
    (Frame { right: middle - 22.0, ..frame }, Frame { left: middle + 22.0 + TICKS, ..frame })
}
