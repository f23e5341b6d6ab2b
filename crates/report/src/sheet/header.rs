//! The head of a picture: which file, and its figures.

use super::{MARGIN, Plot, PlotPart};
use crate::plot::{Anchor, Canvas};
use crate::text;
use measure::Facts;

/// Width of one figure, and of a letter of the name.
const FIGURE: f64 = 122.0;
const NAME_LETTER: f64 = 15.0;

/// A figure of the head: its name with its unit, decimals, and where it stands in the facts.
pub(super) type Figure = (&'static str, usize, fn(&PlotPart) -> Option<f64>);

const INTEGRATED: Figure = ("integrated, LUFS", 1, |p| p.facts.integrated_lufs);
const LOUDEST: Figure = ("loudest 3 s, LUFS", 1, |p| p.facts.max_short_term_lufs);
const PEAK: Figure = ("true peak, dBTP", 1, |p| p.facts.true_peak_dbtp);
const RANGE: Figure = ("range, LU", 1, |p| p.facts.loudness_range_lu);
const PLR: Figure = ("PLR, LU", 1, |p| p.facts.plr_lu);
const CORRELATION: Figure = ("correlation", 2, |p| p.facts.correlation);
const WIDTH: Figure = ("side/mid, dB", 1, |p| p.facts.side_mid_db);
const MONO: Figure = ("mono loss, dB", 1, |p| p.facts.mono_loss_db);
const TILT: Figure = ("tilt, dB/octave", 1, |p| p.portrait.tilt.map(|(slope, _)| slope));
const CENTROID: Figure = ("centroid, Hz", 0, |p| p.facts.centroid_hz);

/// The figures that belong to a picture.
pub(super) fn figures_of(plot: Plot) -> &'static [Figure] {
    match plot {
        Plot::Sheet => &[INTEGRATED, LOUDEST, PEAK, RANGE, PLR, MONO],
        Plot::Loudness => &[INTEGRATED, LOUDEST, PEAK, RANGE, PLR],
        Plot::Spectrum => &[INTEGRATED, PEAK, TILT, CENTROID],
        Plot::Stereo => &[INTEGRATED, CORRELATION, WIDTH, MONO],
    }
}

pub(super) fn draw(canvas: &mut Canvas, part: &PlotPart, figures: &[Figure], width: f64) {
    let mut x = width - MARGIN;
    let wanted = |(name, ..): &&Figure| part.is_stereo() || *name != MONO.0;
    for (name, decimals, value) in figures.iter().rev().filter(wanted) {
        // Ratios that could be infinite stop at 240 dB: as good as no number.
        let value = value(part).filter(|v| v.is_finite() && (v.abs() < 200.0 || !name.contains("dB")));
        let shown = value.map_or("\u{2013}".into(), |v| text::number(v, *decimals));
        let class =
            match name.starts_with("true peak") && value.is_some_and(|db| db > super::time::PERMITTED_DBTP) {
                true => "figure over-text",
                false => "figure",
            };
        canvas.text(class, Anchor::End, (x, 66.0), &shown);
        canvas.text("figure-name", Anchor::End, (x, 88.0), name);
        x -= FIGURE;
    }
    let room = ((x - MARGIN) / NAME_LETTER).max(8.0) as usize;
    canvas.text("name", Anchor::Start, (MARGIN, 66.0), &fitted(&part.name, room));
    let room = ((x - MARGIN) / 7.4).max(8.0) as usize;
    canvas.text("about", Anchor::Start, (MARGIN, 88.0), &fitted(&part.about, room));
    canvas.line("rule", (MARGIN, 110.0), (width - MARGIN, 110.0));
}

/// Who drew it, and by which standards.
pub(super) fn foot(canvas: &mut Canvas, height: f64) {
    let words = concat!(
        "Tonmeister ",
        env!("CARGO_PKG_VERSION"),
        " \u{b7} loudness and true peak ITU-R BS.1770-5, range EBU Tech 3342"
    );
    canvas.text("foot", Anchor::Start, (MARGIN, height - 22.0), words);
}

/// As much of a text as fits into so many letters; East Asian letters are two wide.
fn fitted(text: &str, letters: usize) -> String {
    let wide = |c: char| if u32::from(c) >= 0x1100 { 2 } else { 1 };
    if text.chars().map(wide).sum::<usize>() <= letters {
        return text.into();
    }
    // The end of a file's name tells as much as its beginning: version numbers stand there.
    let take = |letters: usize, all: &mut dyn Iterator<Item = char>| -> String {
        let mut room = letters;
        all.take_while(|c| {
            let fits = wide(*c) <= room;
            room -= if fits { wide(*c) } else { 0 };
            fits
        })
        .collect()
    };
    let half = letters.saturating_sub(1) / 2;
    let head = take(half, &mut text.chars());
    let tail: String = take(half, &mut text.chars().rev()).chars().rev().collect();
    format!("{}\u{2026}{}", head.trim_end(), tail.trim_start())
}

/// What the picture shows, for those who hear it.
pub(super) fn description(part: &PlotPart) -> String {
    let Facts { integrated_lufs, true_peak_dbtp, loudness_range_lu, .. } = part.facts;
    let value = |value: Option<f64>| value.map_or("not defined".to_string(), |v| text::number(v, 1));
    format!(
        "Integrated loudness {} LUFS, true peak {} dBTP, loudness range {} LU over {}.",
        value(integrated_lufs),
        value(true_peak_dbtp),
        value(loudness_range_lu),
        text::clock(part.duration_s(), 0)
    )
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(fitted("Rye and Rain.wav", 20), "Rye and Rain.wav");
        let long = fitted("A very long name of a song that goes on (master v12).wav", 21);
        assert_eq!(long, "A very lon\u{2026}r v12).wav");
        let wide = fitted(&"\u{6f22}".repeat(30), 11);
        assert_eq!(wide, "\u{6f22}\u{6f22}\u{2026}\u{6f22}\u{6f22}");
    }
}
