//! The command line as a page of the manual, written from its description.

use clap::{Arg, Command};

/// What each command can end with, besides 0, 1 and 2.
const ENDS: &[(&str, &[u8])] = &[
    ("demo", &[3, 4, 5, 130]),
    ("scan", &[4, 130]),
    ("produce", &[3, 4, 5, 130]),
    ("mix", &[4, 5, 130]),
    ("plan", &[4, 5, 130]),
    ("why", &[4, 5]),
    ("set", &[4, 5]),
    ("note", &[4, 5]),
    ("render", &[3, 4, 5, 130]),
    ("master", &[3, 4, 5, 130]),
    ("deliver", &[3, 4, 5, 130]),
    ("album", &[3, 4, 5, 130]),
    ("check", &[3, 4, 130]),
    ("measure", &[4, 130]),
    ("compare", &[4, 130]),
    ("translate", &[4, 5, 130]),
    ("processors", &[]),
    ("targets", &[]),
    ("roles", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// The page in Markdown; `mark` says that it is generated.
pub fn reference(mark: &str) -> String {
    let root = crate::command();
    let mut text = format!(
        "# Command line\n\n{mark}\n\n```text\n{}```\n\nResults go to stdout, talk to stderr. [Exit codes](exit-codes.md) \
         0, 1 and 2 belong to every command; the others are named with each. With `--json` a command prints one object, \
         whose `\"schema\"` is named with each; a failure prints `tonmeister.error/1`. `--help` works everywhere.\n\n\
         ## Options of every command\n\n{}",
        crate::WELCOME,
        options(root.get_arguments().filter(|a| a.is_global_set()))
    );
    for command in root.get_subcommands() {
        text += &section(command);
    }
    text
}

fn section(command: &Command) -> String {
    let name = command.get_name();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut text = format!("\n## `{name}`\n\n{about}.\n\n```text\n{usage}\n```\n");
    let own =
        || command.get_arguments().filter(|a| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help");
    let rows: Vec<&Arg> =
        own().filter(|a| a.is_positional()).chain(own().filter(|a| !a.is_positional())).collect();
    if !rows.is_empty() {
        text += &format!("\n{}", options(rows.into_iter()));
    }
    if let Some(more) = command.get_after_help() {
        text += &format!("\n```text\n{}\n```\n", more.to_string().trim());
    }
    let codes = ENDS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, codes)| codes);
    let codes: Vec<String> = [0, 1, 2].iter().chain(codes).map(u8::to_string).collect();
    text + &format!("\nExit codes {}. JSON `tonmeister.{name}/1`.\n", codes.join(", "))
}

/// A table of arguments.
fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = "| argument | what it does | left out |\n|---|---|---|\n".to_string();
    for argument in arguments.filter(|a| a.get_id() != "version") {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let choices = argument.get_possible_values();
        let takes = argument.get_action().takes_values();
        let choices: Vec<String> = choices.iter().map(|v| format!("`{}`", v.get_name())).collect();
        let choices =
            if takes && !choices.is_empty() { format!(": {}", choices.join(", ")) } else { String::new() };
        let values = if takes { argument.get_default_values() } else { &[] };
        let values: Vec<String> = values.iter().map(|v| format!("`{}`", v.to_string_lossy())).collect();
        let cells = [format!("`{}`", shown(argument)), format!("{help}{choices}"), values.join(", ")];
        text += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

/// `-o, --output FOLDER`.
fn shown(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let many = argument.get_num_args().is_some_and(|n| n.max_values() > 1);
    if argument.is_positional() {
        let dots = if many { " ..." } else { "" };
        return format!("{}{dots}", value.unwrap_or_else(|| argument.get_id().to_string().to_uppercase()));
    }
    let short = argument.get_short().map(|c| format!("-{c}"));
    let long = argument.get_long().map(|name| format!("--{name}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    match value.filter(|_| argument.get_action().takes_values()) {
        Some(value) => format!("{} {value}", names.join(", ")),
        None => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_every_option_is_on_the_page() {
        let page = reference("");
        let root = crate::command();
        for command in root.get_subcommands() {
            let name = command.get_name();
            assert!(page.contains(&format!("\n## `{name}`\n")), "{name}");
            assert!(ENDS.iter().any(|(of, _)| *of == name), "{name}: what can it end with?");
            for long in command.get_arguments().filter_map(Arg::get_long).filter(|long| *long != "help") {
                assert!(page.contains(&format!("--{long}")), "{name} --{long}");
            }
        }
        assert_eq!(ENDS.len(), root.get_subcommands().count());
    }
}
