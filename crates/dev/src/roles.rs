//! The roles that tracks can have.

use crate::markdown::{GENERATED, code, table};

pub(crate) fn page() -> String {
    let rows = assistant::roles::roles().into_iter().map(|(role, family, names)| {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        vec![code(role), family.to_string(), names.join(", ")]
    });
    format!(
        "# Roles\n\n{GENERATED}\n\nWhat a track is in the song, found from its name: `tonmeister roles \"Gtr Rhy L\"` says what a \
         name means. Set `role` in the session file where the name says too little; what no name explains is `unknown`, \
         never a guess. The third column shows a few of the names that each role is known by; names never seen before \
         are understood by their parts.\n\n{}",
        table(&["`role`", "family", "some of its names"], rows)
    )
}
