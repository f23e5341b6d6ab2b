//! Every key of the session file.

use crate::markdown::{GENERATED, code, number, quantity, sentence, table};
use session::fields::{self, Field, Form};

pub(crate) fn page() -> String {
    let mut text = format!(
        "# Keys of the session file\n\n{GENERATED}\n\nEvery key, table by table, in the order in which they are written. \
         What is left out is neutral. The settings of an insert are those of its [processor](processors/index.md). \
         [session.schema.json](session.schema.json) says the same for editors.\n"
    );
    let tables: [(&str, &str, &[Field]); 9] = [
        ("The file", "At the top, before the first table.", fields::ROOT),
        ("`[song]`", "About the song.", fields::SONG),
        (
            "`[track.ID]`",
            "One recording. The order of tracks is the mixer's, and sums are taken in it.",
            fields::TRACK,
        ),
        ("`[bus.ID]`", "Sums tracks and other buses.", fields::BUS_STRIP),
        ("`[return.ID]`", "Sums what is sent to it.", fields::RETURN),
        ("`[[TABLE.ID.insert]]`", "A processor; its own settings stand beside these.", fields::INSERT),
        ("`[premaster]`", "Where everything comes together.", fields::PREMASTER),
        ("`[master]`", "The mastering chain.", fields::MASTER),
        ("`[deliver]`", "What is delivered.", fields::DELIVER),
    ];
    for (title, about, fields) in tables {
        text += &format!("\n## {title}\n\n{about}\n\n{}", rows(fields));
    }
    text
}

fn rows(fields: &[Field]) -> String {
    let rows = fields.iter().map(|field| {
        let (value, neutral) = form(&field.form);
        vec![code(field.id), sentence(field.help), value, neutral]
    });
    table(&["key", "what it does", "value", "left out"], rows)
}

fn form(form: &Form) -> (String, String) {
    let text = |value: &str| (value.to_string(), String::new());
    match form {
        Form::Number(quantity_of) => {
            let whole = if quantity_of.whole { "whole number, " } else { "" };
            let range = format!(
                "{whole}{} to {}",
                number(quantity_of.min, 4),
                quantity(quantity_of.max, quantity_of.unit)
            );
            // At the end of a range stands what only says that nothing was set.
            let stated = quantity_of.min < quantity_of.neutral && quantity_of.neutral < quantity_of.max;
            let neutral = quantity(quantity_of.neutral, quantity_of.unit);
            (range, if stated { neutral } else { String::new() })
        }
        Form::Text => text("text"),
        Form::Switch => ("`true` or `false`".into(), code("false")),
        Form::Choice(param) => {
            let names: Vec<String> = param.choices.iter().map(|c| code(c.id)).collect();
            (names.join(", "), code(param.choices[param.default as usize].id))
        }
        Form::Files { most: 1 } => text("a file name"),
        Form::Files { most } => (format!("a file name, or a list of at most {most}"), String::new()),
        Form::Texts => text("a list of texts"),
        Form::Sections => text("a list of `[name, seconds]`"),
        Form::Notes => text("a list of `[text]`, `[text, from]` or `[text, from, to]`, in seconds"),
        Form::Bus => ("the id of a bus".into(), "the mix".into()),
        Form::Sends => text("`{ RETURN_db = level }`, -120 to 24 dB each"),
        Form::Automation => text("a table of breakpoint lists"),
        Form::Points(_) => text("a list of `[seconds, value]`"),
        Form::Inserts => text("`[[...insert]]` tables"),
    }
}
