//! How near the master came to the songs that it was to be near to.

use super::{cell, row_head, table};
use crate::markup::Markup;
use crate::model::{MatchedPart, Report};
use crate::text::{capital, figure};

const COLUMNS: [&str; 4] = ["Aspect", "References", "Pre-master", "Master"];

/// The aspects, before and after.
pub(super) fn references(section: &mut Markup, report: &Report) {
    let Some(matched) = &report.matched else { return };
    let sentence = format!(
        "Led toward {}, each part of the song at equal loudness with its like.{}",
        matched.references.join(", "),
        held(matched)
    );
    section.leaf("p", &[], &sentence);
    table(section, "readings", &COLUMNS, |rows| {
        for a in &matched.aspects {
            rows.element("tr", &[], |tr| {
                row_head(tr, |th| th.text(&capital(&a.aspect)));
                for (column, value) in COLUMNS[1..].iter().zip([a.references, a.before, a.after]) {
                    cell(tr, column, |td| figure(td, value, 1, &a.unit));
                }
            });
        }
    });
}

fn held(matched: &MatchedPart) -> String {
    let bands = |count: usize, of: &str| match count {
        0 => None,
        1 => Some(format!("one third octave{of}")),
        n => Some(format!("{n} third octaves{of}")),
    };
    let held: Vec<String> = [bands(matched.bands_held, ""), bands(matched.side_bands_held, " of the sides")]
        .into_iter()
        .flatten()
        .collect();
    match held.is_empty() {
        true => String::new(),
        false => {
            format!(" Held where the references' own spread ends what may be moved: {}.", held.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MatchedAspect;

    // Finds a page that keeps quiet about the songs that a master was led toward, or about what stopped it.
    #[test]
    fn a_match_is_told_with_what_it_stopped_at() {
        let aspect = MatchedAspect {
            aspect: "side to middle".into(),
            unit: "dB".into(),
            references: Some(-5.0),
            before: Some(-14.0),
            after: None,
        };
        let part = |tone, sides| MatchedPart {
            references: vec!["A <1>".into(), "B".into()],
            aspects: vec![aspect.clone()],
            bands_held: tone,
            side_bands_held: sides,
        };
        let page = |part| crate::to_html(&Report { matched: Some(part), ..Report::default() });
        let told = page(part(1, 30));
        assert!(
            told.contains("Led toward A &lt;1&gt;, B") && told.contains("href=\"#references\""),
            "{told}"
        );
        assert!(told.contains("one third octave, 30 third octaves of the sides"), "{told}");
        assert!(told.contains("Side to middle") && told.contains("\u{2212}14.0"), "{told}");
        assert!(!page(part(0, 0)).contains("Held where"));
        assert!(!crate::to_html(&Report::default()).contains("#references"));
    }
}
