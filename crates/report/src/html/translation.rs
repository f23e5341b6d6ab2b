//! What telephones, laptops, earbuds, cars and clubs leave of the master: drawn, in words and in numbers.

use super::{cell, row_head, table, write_legend};
use crate::markup::Markup;
use crate::model::{Report, TranslationPart};
use crate::plot;
use crate::text::{capital, number, quantity, short_hz, signed, with_unit};

const COLUMNS: [&str; 4] = ["On", "What arrives", "Loudness", "What changes"];
/// A share of the bass that fell to this part of what it was is gone; one that fell below the second is thin.
const BASS: (f64, f64) = (0.1, 0.6);
/// A share that rose by this factor is heavy.
const HEAVY: f64 = 1.3;
/// Bass below this share of the power is none that could be lost.
const NO_BASS: f64 = 0.03;
/// Loss in mono that is heard, in dB.
const MONO_DB: f64 = 1.0;
/// A lead that keeps less of its loudness than this part of what it had has sunk; one with more has come forward.
const LEAD: (f64, f64) = (0.93, 1.07);
/// Drowned time that is told as some, and as much.
const DROWNED: (f64, f64) = (0.02, 0.15);

/// The part of the page.
pub(super) fn translation(section: &mut Markup, report: &Report) {
    section.leaf(
        "p",
        &[],
        "What other loudspeakers leave of it: models of whole classes of devices, worked out from the spectrum measured \
         here. They tell what gets lost, not by how many tenths.",
    );
    write_legend(section, &[("box momentary", "the master"), ("line main", "what arrives")]);
    table(section, "cards elsewhere", &COLUMNS, |rows| {
        for (place, part) in report.translation.iter().enumerate() {
            rows.element("tr", &[], |tr| write_row(tr, part, place));
        }
    });
    section.element("p", &[("class", "soft")], |p| {
        p.text("To hear them, all equally loud: ");
        p.leaf("code", &[], "tonmeister translate");
        p.text(" with the master or the song's folder.");
    });
}

fn write_row(tr: &mut Markup, part: &TranslationPart, place: usize) {
    row_head(tr, |th| {
        th.text(&capital(&part.device));
        th.words("small", "help", &part.model);
    });
    cell(tr, COLUMNS[1], |td| {
        let name = format!("What arrives on: {}", part.device);
        td.append(plot::arriving(&part.bands, &name, &format!("arrives-{place}")));
    });
    cell(tr, COLUMNS[2], |td| match part.lost_lu.filter(|lu| lu.is_finite()) {
        Some(lost_lu) => quantity(td, &signed(-lost_lu, 1), "LU"),
        None => crate::text::nothing(td),
    });
    cell(tr, COLUMNS[3], |td| {
        let told = told(part);
        if told.is_empty() {
            td.words("span", "quiet", "nothing that matters");
        }
        for (words, numbers) in told {
            td.block("span", "evidence", |span| {
                span.text(&words);
                span.words("span", "u", &format!(" {numbers}"));
            });
        }
    });
}

fn percent(share: f64) -> String {
    with_unit(&number(100.0 * share, 0), "%")
}

/// What matters on this device, each in words with its numbers.
fn told(part: &TranslationPart) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut say = |words: &str, numbers: String| told.push((words.to_string(), numbers));
    if let [Some(before), Some(after)] = part.bass_share
        && before.is_finite()
        && after.is_finite()
        && before >= NO_BASS
    {
        let words = match after / before {
            gone if gone < BASS.0 => "The bass is gone: only its harmonics are heard.",
            thin if thin < BASS.1 => "The bass gets thin.",
            heavy if heavy > HEAVY => "The bass gets heavy.",
            _ => "",
        };
        if !words.is_empty() {
            say(words, format!("{} of the power, {} before", percent(after), percent(before)));
        }
    }
    if let Some(loss) = part.mono_loss_db.filter(|loss| loss.is_finite()) {
        let worst = part.mono_worst_band.map_or(String::new(), |(low, high, loss)| {
            let band = format!("{}\u{2013}{}", short_hz(low), short_hz(high));
            format!(", {} at {}", with_unit(&number(-loss, 1), "dB"), with_unit(&band, "Hz"))
        });
        let words = if loss > MONO_DB {
            "Much of the sides is gone."
        } else {
            "It survives the sum of both channels."
        };
        say(words, format!("{} in all{worst}", with_unit(&number(-loss, 1), "dB")));
    }
    if let [Some(before), Some(after)] = part.lead_left {
        let words = match after / before {
            sunk if sunk < LEAD.0 => "The lead sinks.",
            forward if forward > LEAD.1 => "The lead comes forward.",
            _ => "The lead stays where it is.",
        };
        say(words, format!("{} of its loudness beside the rest, {} before", percent(after), percent(before)));
    }
    if let Some(share) = part.drowned_share.filter(|share| *share > DROWNED.0) {
        let words =
            if share > DROWNED.1 { "Noise covers the quiet parts." } else { "Noise covers a little." };
        say(words, format!("{} of the time", percent(share)));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(part: &TranslationPart) -> String {
        told(part).into_iter().map(|(words, numbers)| format!("{words} {numbers};")).collect()
    }

    #[test]
    fn what_is_said_follows_the_numbers() {
        let phone = TranslationPart {
            bass_share: [Some(0.5), Some(0.001)],
            mono_loss_db: Some(3.1),
            mono_worst_band: Some((2000.0, 4000.0, 6.0)),
            lead_left: [Some(0.8), Some(0.6)],
            drowned_share: Some(0.3),
            ..Default::default()
        };
        let said = words(&phone);
        for part in [
            "bass is gone",
            "0\u{a0}% of the power, 50",
            "sides is gone",
            "6.0\u{a0}dB at 2k",
            "lead sinks",
            "30\u{a0}%",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let flat = TranslationPart {
            bass_share: [Some(0.5), Some(0.45)],
            mono_loss_db: Some(0.3),
            lead_left: [Some(0.8), Some(0.81)],
            drowned_share: Some(0.01),
            ..Default::default()
        };
        let said = words(&flat);
        assert!(said.contains("survives") && said.contains("stays") && !said.contains("bass"), "{said}");
        // No bass that could be lost, and nothing that is not a number.
        let odd = TranslationPart {
            bass_share: [Some(0.01), Some(0.0)],
            mono_loss_db: Some(f64::NAN),
            ..Default::default()
        };
        assert_eq!(words(&odd), "");
    }
}
