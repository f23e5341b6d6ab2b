//! Results as text for people. Every number has its unit.

use crate::print_music::clock;
use crate::table::{bare, counted, firm, reading, row, table, text_columns, with_unit, wrapped};
use workflow::{
    Compared, Decision, DeliverResult, DemoContents, DemoResult, Edited, MasterResult, Noted, Planned,
    Produced, RenderResult, Scanned, Why, WrittenFile,
};

pub(crate) fn scanned(scan: &Scanned) -> String {
    let mut rows = vec![row(&["track", "role", "sure", "bus", "file", "format", "loudness", "peak"])];
    for t in &scan.tracks {
        rows.push(vec![
            t.id.clone(),
            t.role.clone().unwrap_or_else(|| "unknown".into()),
            reading(Some(t.confidence * 100.0), 0, "%"),
            t.bus.clone().unwrap_or_else(|| if t.muted { "set aside" } else { "mix" }.into()),
            t.files.join(" + "),
            format!("{} {}", firm(&format!("{} Hz", t.sample_rate_hz)), t.depth),
            reading(t.active_lufs, 1, "LUFS"),
            reading(t.true_peak_dbtp, 1, "dBTP"),
        ]);
    }
    let mut text = table(&rows);
    text += &format!(
        "\n{}, {:.1} s, session at {} Hz\n",
        counted(scan.tracks.len(), "track"),
        scan.duration_s,
        scan.sample_rate_hz
    );
    for t in scan.tracks.iter().filter(|t| !t.faults.is_empty()) {
        text += &wrapped(&format!("{}: {}", t.id, t.faults.join("; ")), "  ", text_columns());
    }
    for path in &scan.left_out {
        text += &wrapped(&format!("left out by the session: {path}"), "  ", text_columns());
    }
    for note in &scan.notes {
        text += &wrapped(note, "  ", text_columns());
    }
    for ignored in scan.ignored.iter().take(MOST_IGNORED) {
        text += &wrapped(&format!("passed over: {ignored}"), "  ", text_columns());
    }
    if let Some(more) = scan.ignored.len().checked_sub(MOST_IGNORED + 1) {
        text += &format!("passed over: {} more, which `--json` lists\n", more + 1);
    }
    text
}

/// Files that were passed over and are told of one by one.
const MOST_IGNORED: usize = 20;

fn reasons(decisions: &[Decision]) -> String {
    let mut text = String::new();
    let mut step = None;
    for decision in decisions.iter().filter(|d| !d.why.is_empty()) {
        if step != Some(decision.step) {
            text += &format!("\n{}\n", decision.step);
            step = Some(decision.step);
        }
        let path = decision.change.path();
        text += &wrapped(&format!("{path}: {}", decision.why), "  ", text_columns());
    }
    text
}

pub(crate) fn planned(plan: &Planned, verbose: bool, dry_run: bool) -> String {
    let mut text = String::new();
    let mut strip: &[String] = &[];
    for change in &plan.changes {
        let parts = change.path.parts();
        let line = change.to_string();
        // Those of a strip stand together under its name.
        let (group, line) = match parts {
            [table, id, _, ..] if matches!(table.as_str(), "track" | "bus" | "return") => {
                let name = format!("{table}.{id}.");
                (&parts[..2], line.strip_prefix(&name).map_or(line.clone(), |rest| format!("  {rest}")))
            }
            _ => (&parts[..0], line),
        };
        if group != strip && !group.is_empty() {
            text += &format!("{}\n", group.join("."));
        }
        strip = group;
        // A whole insert in one line is more than anybody reads; `-v` shows it.
        let most = text_columns();
        let shown = if verbose || line.chars().count() <= most {
            line
        } else {
            format!("{} ...", line.chars().take(most - 4).collect::<String>())
        };
        text += &format!("{shown}\n");
    }
    if verbose {
        text += &reasons(&plan.decisions);
    }
    if !plan.yours.is_empty() {
        let yours: Vec<String> = plan.yours.iter().map(ToString::to_string).collect();
        text += &wrapped(&format!("yours, and kept: {}", yours.join(", ")), "", text_columns());
    }
    let written = if dry_run { "; nothing was written" } else { "" };
    for note in plan.notes.iter().chain(&plan.left_out) {
        text += &wrapped(note, "", text_columns());
    }
    let (decisions, changes) =
        (counted(plan.decisions.len(), "decision"), counted(plan.changes.len(), "change"));
    text += &format!("{decisions}, {changes}{written}\n");
    text
}

fn files(files: &[WrittenFile]) -> String {
    let mut rows = vec![row(&["file", "loudness", "range", "true peak", "check"])];
    for f in files {
        rows.push(vec![
            bare(&f.path).to_string(),
            reading(f.integrated_lufs, 1, "LUFS"),
            reading(f.loudness_range_lu, 1, "LU"),
            reading(f.true_peak_dbtp, 2, "dBTP"),
            match f.passed {
                Some(true) => "passed".into(),
                Some(false) => "DID NOT PASS".into(),
                None => "-".into(),
            },
        ]);
    }
    table(&rows)
}

/// What can be heard against each other.
fn against_each_other(ab: &[workflow::AbFile]) -> String {
    let Some(first) = ab.first() else { return String::new() };
    let mut rows = vec![row(&["", "was", "turned by", "range", "peak to loudness", "file"])];
    rows.extend(ab.iter().map(|sound| {
        vec![
            sound.label.clone(),
            reading(sound.integrated_lufs, 1, "LUFS"),
            format!("{:+.1} dB", sound.gain_db),
            reading(sound.loudness_range_lu, 1, "LU"),
            reading(sound.plr_lu, 1, "LU"),
            bare(&sound.path).to_string(),
        ]
    }));
    format!("\nto be compared, all at {:.1} LUFS:\n{}\n", first.plays_at_lufs, table(&rows))
}

/// What should go back to the mix.
fn back_to_mix(listening: &[workflow::HeardFirst]) -> String {
    let back: Vec<&workflow::HeardFirst> = listening.iter().filter(|l| l.back_to_mix).collect();
    if back.is_empty() {
        return String::new();
    }
    let each = back.iter().map(|l| wrapped(&format!("- {}", l.told), "  ", text_columns()));
    format!("\nbetter mended in the mix:\n{}", each.collect::<String>())
}

pub(crate) fn produced(done: &Produced) -> String {
    let mut text = files(&done.files) + &back_to_mix(&done.listening) + &against_each_other(&done.ab);
    for note in &done.notes {
        text += &wrapped(note, "", text_columns());
    }
    if !done.yours.is_empty() {
        text += &wrapped(&format!("yours, and kept: {}", done.yours.join(", ")), "", text_columns());
    }
    let decisions = counted(done.decisions, "decision");
    text += &format!("\n{decisions} in {}\nreport: {}\n", bare(&done.session), bare(&done.report));
    text
}

fn mark_of(fault: &workflow::FoundFault) -> &'static str {
    match (&fault.found, &fault.told) {
        (Some(_), _) => "found",
        (None, Some(_)) => "told",
        (None, None) => "MISSED",
    }
}

pub(crate) fn demo(done: &DemoResult) -> String {
    let mut text = format!("{}: {} tracks in {}\n\n", done.title, done.tracks, done.folder);
    let count = |mark: &str| done.faults.iter().filter(|f| mark_of(f) == mark).count();
    for fault in &done.faults {
        let mark = mark_of(fault);
        text += &format!("{mark:<6}  step {:>2}  {} ({})\n", fault.step, fault.fault, fault.track);
        text += &wrapped(&format!("planted: {}", fault.planted), "                 ", text_columns());
        for (word, said) in [("answer: ", &fault.found), ("told:   ", &fault.told)] {
            if let Some(said) = said {
                text += &wrapped(&format!("{word} {said}"), "                 ", text_columns());
            }
        }
    }
    let (found, told, missed) = (count("found"), count("told"), count("MISSED"));
    text += &format!(
        "\n{} planted faults: {found} found and answered, {told} found and told, {missed} missed\n\n",
        done.faults.len()
    );
    text + &produced(&done.produced)
}

pub(crate) fn demo_contents(contents: &DemoContents) -> String {
    let mut text = format!("{}: {} tracks would be written\n", contents.title, contents.tracks.len());
    text += &wrapped(&contents.tracks.join(", "), "  ", text_columns());
    text += &format!("{} faults would be planted\n", contents.faults.len());
    for fault in &contents.faults {
        text += &format!("  step {:>2}  {} ({})\n", fault.step, fault.fault, fault.track);
        text += &wrapped(&fault.planted, "           ", text_columns());
    }
    text + "nothing was written\n"
}

pub(crate) fn rendered(done: &RenderResult) -> String {
    let text = files(&done.files);
    if done.dry_run { text + "nothing was written\n" } else { text }
}

pub(crate) fn edited(edited: &Edited) -> String {
    let mut text = String::new();
    for edit in &edited.edits {
        let shown = |v: &Option<_>| match v {
            Some(v) => format!("{v}"),
            None => "neutral".to_string(),
        };
        text += &format!("{}: {} -> {}\n", edit.path, shown(&edit.before), shown(&edit.after));
    }
    if edited.dry_run {
        text += "nothing was written\n";
    }
    text
}

pub(crate) fn noted(noted: &Noted) -> String {
    let mut text = String::new();
    for note in &noted.notes {
        let place = match (note.from_s, note.to_s) {
            (Some(from_s), Some(to_s)) => format!("{} to {}: ", clock(from_s), clock(to_s)),
            (Some(from_s), None) => format!("{}: ", clock(from_s)),
            _ => String::new(),
        };
        text += &wrapped(&format!("{}: {place}{}", noted.strip, note.text), "", text_columns());
        if let Some(why) = &note.unanswered {
            text += &wrapped(
                &format!("no plan can answer this: {why}; it is kept for you"),
                "  ",
                text_columns(),
            );
        }
    }
    if noted.notes.is_empty() {
        text += &format!("nothing is noted about {}\n", noted.strip);
    }
    let answered = noted.notes.last().is_some_and(|note| note.unanswered.is_none());
    if noted.added && answered && !noted.dry_run {
        text += "the next `tonmeister plan` answers it\n";
    }
    if noted.dry_run { text + "nothing was written\n" } else { text }
}

pub(crate) fn why(why: &Why) -> String {
    let mut text = match &why.value {
        Some(value) => {
            let value = value.to_string();
            if value.chars().count() > 200 {
                format!("{}\n", why.path)
            } else {
                format!("{} = {value}\n", why.path)
            }
        }
        None => format!("{}: neutral\n", why.path),
    };
    if why.yours {
        text += "You have set this; plans leave it alone until the line is deleted.\n";
    }
    for d in &why.decisions {
        text += &format!("\n{} ({:.0} % sure): {}\n", d.step, d.confidence * 100.0, d.change.path());
        text += &wrapped(&d.why, "  ", text_columns());
        for e in &d.evidence {
            let value = with_unit(Some(e.value), 2, "");
            // Two decimals at most, and none that say nothing.
            let value = value.trim_end_matches('0').trim_end_matches('.');
            text += format!("  measured: {} {value} {}", e.name, e.unit).trim_end();
            text.push('\n');
        }
        if !d.costs.is_empty() {
            text += &wrapped(&format!("costs: {}", d.costs), "  ", text_columns());
        }
        if !d.unless.is_empty() {
            text += &wrapped(&format!("would change its mind: {}", d.unless), "  ", text_columns());
        }
    }
    text
}

/// What stood between the mix and its references, and what stands between them now.
fn matched(matched: &workflow::Matched) -> String {
    let mut rows = vec![row(&["match", "references", "before", "after"])];
    for a in &matched.aspects {
        let value = |value: Option<f64>| reading(value, 1, a.unit);
        rows.push(vec![a.aspect.into(), value(a.references), value(a.before), value(a.after)]);
    }
    let held = matched.held().into_iter().zip(["", " of the sides"]).filter(|(count, _)| *count > 0);
    let held = held.map(|(count, whose)| {
        format!("{}{whose} held at the limit that the references' own spread sets\n", counted(count, "band"))
    });
    format!("\n{}{}", table(&rows), held.collect::<String>())
}

pub(crate) fn mastered(done: &MasterResult, verbose: bool, dry_run: bool) -> String {
    let mut text = String::new();
    for f in &done.files {
        text += &files(&[f.before.clone(), f.master.clone()]);
        text += &f.matched.as_ref().map(matched).unwrap_or_default();
        text += &crate::print_check::failures(&f.findings);
        text += &back_to_mix(&f.listening);
        text += &against_each_other(&f.ab);
        for note in &f.notes {
            text += &wrapped(note, "", text_columns());
        }
        if verbose {
            text += &reasons(&f.decisions);
        }
        if !dry_run {
            text += &format!("session: {}\nreport:  {}\n", bare(&f.session), bare(&f.report));
        }
    }
    if dry_run {
        text += "nothing was written\n";
    }
    text
}

/// A take that became the master.
pub(crate) fn promoted(done: &workflow::Promoted) -> String {
    let (is, was) = if done.dry_run { ("would be", "would stay") } else { ("is", "stays") };
    let mut text = format!("take {} {is} the master now: {}\n", bare(&done.take), bare(&done.master));
    if let Some(kept) = &done.kept_as {
        text += &format!("the master of before {was} as take {kept}; `--promote {kept}` brings it back\n");
    }
    match done.dry_run {
        true => text + "nothing was written\n",
        false => text + "what was delivered is of the master of before: run `tonmeister deliver` again\n",
    }
}

pub(crate) fn delivered(done: &DeliverResult) -> String {
    if !done.planned.is_empty() {
        let lines = done.planned.iter().map(|p| {
            format!("{}: {} Hz, {}\n", bare(&p.path.to_string_lossy()), p.sample_rate_hz, p.stored())
        });
        return lines.collect::<String>() + "nothing was written\n";
    }
    let mut text = handed_over(&done.files, &done.details);
    for zip in &done.zips {
        text += &format!("ZIP: {}\n", bare(zip));
    }
    if !done.services.is_empty() {
        text += "\nall music services get the same master; this is what their players make of it\n";
        text += &crate::print_check::services(&done.services);
    }
    text
}

/// Files with their checksums, and what was found in them.
pub(crate) fn handed_over(written: &[workflow::WrittenFile], details: &[workflow::Delivered]) -> String {
    let mut text = files(written);
    let mut said = std::collections::BTreeSet::new();
    for d in details {
        let kept = if d.kept { "  (was there already)" } else { "" };
        text += &format!("{}  {}{kept}\n", d.sha256(), bare(&d.path.to_string_lossy()));
        text += &crate::print_check::findings_once(&d.findings, &mut said);
    }
    text
}

/// Something worth knowing, within the width of the terminal.
pub(crate) fn note(text: &str) -> String {
    wrapped(&format!("note: {text}"), "  ", text_columns())
}

pub(crate) fn compared(c: &Compared) -> String {
    let mut rows = vec![row(&["", "first", "second", "difference"])];
    for s in &c.readings {
        rows.push(vec![
            s.what.to_string(),
            with_unit(s.a, 2, s.unit),
            with_unit(s.b, 2, s.unit),
            with_unit(s.difference, 2, s.difference_unit),
        ]);
    }
    let mut text = table(&rows);
    text += &format!("\nequally loud with {} on the second\n", with_unit(c.match_gain_db, 2, "dB"));
    match c.offset_frames {
        0 => {}
        late if late > 0 => text += &format!("the second begins {} later\n", counted(late as usize, "frame")),
        early => {
            text +=
                &format!("the second begins {} earlier\n", counted(early.unsigned_abs() as usize, "frame"))
        }
    }
    text += &match (c.null_db, &c.note) {
        (Some(db), _) => {
            format!(
                "what one has and the other has not: {db:.1} dB against the first (the lower, the more alike)\n"
            )
        }
        (None, Some(note)) => format!("not subtracted: {note}\n"),
        (None, None) => String::new(),
    };
    text += "\nspectrum of the second against the first at equal loudness\n";
    for b in &c.bands {
        let sign = if b.difference_db < 0.0 { "-" } else { "+" };
        let bar = sign.repeat((b.difference_db.abs() * 2.0).round().min(40.0) as usize);
        text += format!("{:>8.0} Hz  {:+6.1} dB  {bar}", b.hz, b.difference_db).trim_end();
        text.push('\n');
    }
    text
}
