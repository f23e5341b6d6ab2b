//! What is measured.

use crate::markdown::{GENERATED, code, sentence, table};

pub(crate) fn page() -> String {
    let rows = measure::READINGS.iter().map(|reading| {
        vec![code(reading.id), reading.label.to_string(), reading.unit.to_string(), sentence(reading.help)]
    });
    format!(
        "# Readings\n\n{GENERATED}\n\nWhat `tonmeister measure FILE` says, under the names that `--json` uses. A reading that \
         is not defined for a file (the loudness of silence) is left out of the text and `null` in JSON, never a made-up \
         number. What the loudness readings and the true peak \
         are held to stands in [Every case of a loudness meter](meter-cases.md).\n\n{}",
        table(&["name", "label", "unit", "what it says"], rows)
    )
}
