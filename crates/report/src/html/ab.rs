//! Before, after, references and takes at one loudness: played where the files are, told in numbers always.

use super::{cell, row_head, table};
use crate::markup::Markup;
use crate::model::{AbPart, Report};
use crate::text::{figure, gain, number, with_unit};

const COLUMNS: [&str; 7] =
    ["Sound", "Listen", "As it was", "Turned by", "Peaks then", "Range", "Peak to loudness"];

/// The comparison.
pub(super) fn comparison(section: &mut Markup, report: &Report) {
    let loudness = report.ab.first().map_or(f64::NAN, |ab| ab.plays_at_lufs);
    let level = with_unit(&number(loudness, 1), "LUFS");
    let sentence = format!(
        "All of them at {level}, the most that each reaches below the ceiling: what is louder always sounds better. The \
         players work where the files still lie beside this page."
    );
    section.leaf("p", &[], &sentence);
    table(section, "cards sounds", &COLUMNS, |rows| {
        report.ab.iter().for_each(|part| rows.element("tr", &[], |tr| row(tr, part)));
    });
}

fn row(tr: &mut Markup, part: &AbPart) {
    row_head(tr, |th| {
        th.text(&part.label);
        th.words("small", "path", &part.path);
    });
    cell(tr, COLUMNS[1], |td| {
        let source = encoded(&part.path);
        td.element("audio", &[("controls", "controls"), ("preload", "none"), ("src", &source)], |_| ());
    });
    cell(tr, COLUMNS[2], |td| figure(td, part.integrated_lufs, 1, "LUFS"));
    cell(tr, COLUMNS[3], |td| gain(td, part.gain_db));
    cell(tr, COLUMNS[4], |td| figure(td, part.true_peak_dbtp, 1, "dBTP"));
    cell(tr, COLUMNS[5], |td| figure(td, part.loudness_range_lu, 1, "LU"));
    cell(tr, COLUMNS[6], |td| figure(td, part.plr_lu, 1, "LU"));
}

/// A relative path as a link: what a browser takes for something else is written in percent (RFC 3986, 2.1).
fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_written_so_that_a_browser_finds_the_file() {
        assert_eq!(encoded("../my song-ab/a#1?.wav"), "../my%20song-ab/a%231%3F.wav");
        assert_eq!(encoded("\u{fc}"), "%C3%BC");
        // Nothing can be taken for a scheme or leave the attribute.
        assert!(!encoded("javascript:x\"").contains([':', '"']));
    }
}
