//! The documents: links lead somewhere, examples are read, every page is in the book.

mod common;

use common::{files, shown, text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    files(".", &["md"])
}

/// Lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Targets of `[text](target)` and `![text](target)`; a closing bracket in a target is not ours.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        for (at, _) in line.match_indices("](") {
            if let Some((target, _)) = line[at + 2..].split_once(')') {
                found.push(target.to_string());
            }
        }
    }
    found
}

/// The anchors of a page, as GitHub and mdBook make them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let plain = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
    };
    prose(text).filter(|line| line.starts_with('#')).map(|line| plain(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    for document in documents() {
        let folder = document.parent().expect("a folder");
        for link in links(&text(&document)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let place = if file.is_empty() { document.clone() } else { folder.join(file) };
            assert!(place.exists(), "{}: ({link}) leads nowhere", shown(&document));
            if !anchor.is_empty() && place.extension().is_some_and(|e| e == "md") {
                let found = anchors(&text(&place)).contains(anchor);
                assert!(found, "{}: ({link}): no such heading", shown(&document));
            }
        }
    }
}

/// Blocks marked `toml` in the documents, each with the line it begins on.
fn toml_blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (n, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim() == "```" => blocks.extend(open.take()),
            Some((_, block)) => *block += &format!("{line}\n"),
            None if line.trim() == "```toml" => open = Some((n + 1, String::new())),
            None => {}
        }
    }
    blocks
}

/// A block that shows a part of a session is completed by what it leaves out; a whole one is read as it stands.
fn completed(block: &str) -> String {
    if block.contains("version = ") {
        return block.to_string();
    }
    let needs_track = block.contains("[track.vox.") && !block.contains("[track.vox]");
    let track = if needs_track { "[track.vox]\nfile = \"vox.wav\"\n" } else { "" };
    format!("version = 1\n{track}{block}")
}

#[test]
fn every_example_of_a_session_is_read_without_a_problem() {
    let mut read = 0;
    for document in documents() {
        for (line, block) in toml_blocks(&text(&document)) {
            if block.contains("[package]") || block.contains("[dependencies]") {
                continue;
            }
            read += 1;
            // Tracks of an album stand in a list, those of a session under their names.
            let problems = match block.contains("[[track]]") {
                true => session::album_of(&block).1,
                false => session::read(&completed(&block)).problems,
            };
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(
                problems.is_empty(),
                "{}, block at line {line}:\n{}",
                shown(&document),
                problems.join("\n")
            );
        }
    }
    assert!(read >= dsp::KINDS.len(), "the processors' pages and the guide have examples");
}

#[test]
fn every_page_of_the_book_is_in_its_contents() {
    let docs = dev::root().join("docs");
    let summary = links(&text(&docs.join("SUMMARY.md")));
    let listed: BTreeSet<PathBuf> = summary.iter().map(|link| docs.join(link)).collect();
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let listed: BTreeSet<PathBuf> = listed.iter().map(|path| canonical(path)).collect();
    for page in files("docs", &["md"]).iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        assert!(listed.contains(&canonical(page)), "{}: is not in docs/SUMMARY.md", shown(page));
    }
}
