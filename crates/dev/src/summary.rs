//! The book's table of contents: written by hand, but for the processors.

use dsp::KINDS;

/// What a line about a processor's page holds.
const PAGE: &str = "(reference/processors/";
/// After this line the processors stand.
const INDEX: &str = "(reference/processors/index.md)";

/// The text with one line per processor under the line of their index.
pub(crate) fn with_processors(summary: &str) -> String {
    let mut text = String::new();
    for line in summary.lines().filter(|line| !line.contains(PAGE) || line.contains(INDEX)) {
        text += &format!("{line}\n");
        if line.contains(INDEX) {
            let indent = &line[..line.len() - line.trim_start().len()];
            for kind in KINDS {
                text += &format!("{indent}  - [{}]{PAGE}{}.md)\n", kind.label, kind.id);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_stand_under_their_index_once() {
        let bare = "# S\n- [Processors](reference/processors/index.md)\n- [Roles](reference/roles.md)\n";
        let full = with_processors(bare);
        assert_eq!(full.lines().count(), 3 + KINDS.len());
        assert!(full.ends_with("- [Roles](reference/roles.md)\n"));
        assert_eq!(with_processors(&full), full, "generating again changes nothing");
    }
}
