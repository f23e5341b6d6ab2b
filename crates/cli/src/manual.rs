//! The manual page and the completions.

use clap::Command;
use clap_mangen::Man;
use std::io;

/// What clap cannot know.
const END: &str = r#".SH "EXIT STATUS"
.TP
0
Good.
.TP
1
Failed: a full disk, a folder that may not be written to.
.TP
2
Asked wrongly: an unknown option, target or track; a folder without a session.
.TP
3
A check did not pass; everything else worked.
.TP
4
An input cannot be read: missing, empty, not audio, damaged.
.TP
5
The session is invalid; all of its problems were told.
.TP
130
Interrupted; what was finished stays, and the same command goes on.
.SH FILES
.TP
.I DIR/session.toml
Every decision; the only thing a render depends on besides the recordings. Yours to edit.
.TP
.I DIR/out/
Everything rendered: pre-master, master, stems, tracks, deliveries, reports.
.TP
.I DIR/.tonmeister/
Caches, evidence, and what the machine wrote last.
.SH ENVIRONMENT
.TP
NO_COLOR
When set, nothing is coloured.
"#;

/// The manual page in roff: the whole, then every command with its options.
pub(crate) fn manual() -> io::Result<String> {
    let root = crate::command();
    let mut page = Vec::new();
    let whole = Man::new(root.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    for command in root.get_subcommands() {
        let name = command.get_name().to_uppercase();
        page.extend(format!(".SH \"{name}\"\n").bytes());
        page.extend(section(command)?.bytes());
    }
    page.extend(END.bytes());
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// A command as a section of the page.
fn section(command: &Command) -> io::Result<String> {
    let own = command.clone().mut_args(|argument| {
        // What holds for every command stands at the top.
        let hidden = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(hidden)
    });
    let man = Man::new(own);
    let mut page = Vec::new();
    man.render_description_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_after_help().is_some() {
        man.render_extra_section(&mut page)?;
    }
    let text = String::from_utf8_lossy(&page).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with(".ie") && !line.starts_with(".el"));
    Ok(lines
        .map(|line| {
            format!("{}\n", line.replacen(".SH EXTRA", ".SS EXAMPLES", 1).replacen(".SH ", ".SS ", 1))
        })
        .collect())
}

/// The completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "tonmeister", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
