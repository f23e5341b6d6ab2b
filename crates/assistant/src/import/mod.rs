//! The first session: tracks, roles, order and buses from the names and forms of the recordings.

mod names;
mod places;

use crate::roles::{self, NamedRole, UNKNOWN};
use crate::words::{listed, spoken_role};

pub(crate) use names::{Side, natural, side, without_place};
use session::{Decision, Path, Session, StepId, Strip, StripClass, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file of the folder, as far as it is known without listening.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// The file as the session names it.
    pub path: PathBuf,
    /// Its own rate, in hertz.
    pub sample_rate_hz: u32,
    /// Its channels.
    pub channels: usize,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Its depth, such as `24-bit integer`.
    pub depth: String,
    /// Frames from midnight, or from the beginning of the project, to its first frame, where the file says so.
    pub time_reference_frames: Option<u64>,
    /// What the reader had to mend.
    pub notes: Vec<String>,
}

/// A session made from recordings, and why it is as it is.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Tracks, buses, roles and order; no levels yet. Everything decided is in it already.
    pub session: Session,
    /// The reasons.
    pub decisions: Vec<Decision>,
    /// What concerns all of the recordings, in sentences.
    pub notes: Vec<String>,
}

impl Imported {
    /// Names recordings of the folder that are in no track, since they cannot be read, with the reason of each; gives
    /// the decision that says so.
    pub fn leave_out(&mut self, unreadable: &[(PathBuf, String)]) -> Option<Decision> {
        if unreadable.is_empty() {
            return None;
        }
        self.session.song.left_out = unreadable.iter().map(|(path, _)| path.clone()).collect();
        let names = unreadable.iter().map(|(path, _)| Value::Text(session::file_text(path)));
        let reasons: Vec<&str> = unreadable.iter().map(|(_, why)| why.as_str()).collect();
        let count = unreadable.len();
        let what = if count == 1 { "1 recording" } else { &format!("{count} recordings") };
        let why = format!("{what} cannot be read and was asked to be left out. {}.", reasons.join(". "));
        let why = if count == 1 { why } else { why.replacen(" was ", " were ", 1) };
        Some(
            Decision::set(
                StepId::Preparation,
                Path::new(["song", "left_out"]),
                names.collect::<Vec<_>>(),
                why,
            )
            .noted(format!("{what} cannot be read"))
            .measured("unreadable", count as f64, "")
            .costs("whatever is recorded on what is left out")
            .unless("The recordings are mended, or exported again."),
        )
    }
}

/// Families from the first strip of the mixer to the last.
const FAMILIES: &[&str] = &[
    "drums",
    "percussion",
    "bass",
    "guitars",
    "keys",
    "synths",
    "strings",
    "brass",
    "woodwinds",
    "other",
    "vocals",
    "fx",
    "returns",
    "buses",
    "utility",
];

/// A bus: its id, its name for people, its role, and the families that go to it.
const BUSES: &[(&str, &str, &str, &[&str])] = &[
    ("drums", "Drums", "drum_bus", &["drums"]),
    ("percussion", "Percussion", "music_bus", &["percussion"]),
    ("bass", "Bass", "bass_bus", &["bass"]),
    ("guitars", "Guitars", "guitar_bus", &["guitars"]),
    ("keys", "Keys", "keys_bus", &["keys", "synths"]),
    ("strings", "Strings", "strings_bus", &["strings"]),
    ("horns", "Horns", "music_bus", &["brass", "woodwinds"]),
    ("vocals", "Vocals", "vocal_bus", &["vocals"]),
    ("fx", "Effects", "music_bus", &["fx", "returns"]),
];

/// A recording, or the left and right of one.
struct Source<'a> {
    files: Vec<&'a Recording>,
    /// The name without folder, extension and side.
    name: String,
    named: NamedRole,
    id: String,
    aside: Option<String>,
}

impl Source<'_> {
    /// The family it stands among: the stem of a group among that group.
    fn family(&self) -> &'static str {
        match self.named.role {
            "drum_bus" => "drums",
            "bass_bus" => "bass",
            "guitar_bus" => "guitars",
            "keys_bus" => "keys",
            "strings_bus" => "strings",
            "vocal_bus" => "vocals",
            _ => self.named.family,
        }
    }

    fn place(&self) -> (usize, usize, Vec<(bool, u64, String)>) {
        let family = FAMILIES.iter().position(|f| *f == self.family()).unwrap_or(FAMILIES.len());
        (family, roles::place(self.named.role), names::natural(&self.name))
    }
}

/// Makes the first session from the files of a folder: split left and right files joined, tracks named,
/// ordered and grouped into buses, what does not belong into the mix set aside (muted, never left out).
///
/// The order of `recordings` does not matter.
pub fn import(recordings: &[Recording], title: &str) -> Imported {
    let mut sources = sources(recordings);
    sources.sort_by_cached_key(|source| (source.place(), source.files[0].path.clone()));
    set_aside(&mut sources);
    give_ids(&mut sources);

    let mut imported = Imported { session: Session::new(), decisions: Vec::new(), notes: Vec::new() };
    imported.session.engine = env!("CARGO_PKG_VERSION").to_string();
    imported.session.song.title = Some(title.trim().to_string()).filter(|title| !title.is_empty());
    choose_rate(recordings, &mut imported);
    let buses = buses(&sources);
    for source in &sources {
        add_track(source, &buses, &mut imported);
    }
    places::place(&sources, &mut imported);
    for (bus, label, role, families) in buses {
        let mut strip = Strip::new(StripClass::Bus, bus.clone());
        strip.label = Some(label.to_string());
        strip.role = Some(role.to_string());
        let count = members(&sources, families).count();
        let why = format!("{count} tracks are {}: they go through one bus.", listed_families(families));
        imported.decisions.push(
            Decision::set(StepId::Preparation, strip.path().child("role"), role, why)
                .noted(format!("{count} tracks"))
                .measured("tracks", count as f64, "")
                .sure(0.9)
                .costs("nothing: a bus that nothing is done on is a sum")
                .unless("you group them otherwise"),
        );
        imported.session.add(strip);
    }
    imported
}

fn listed_families(families: &[&str]) -> String {
    families.join(" or ")
}

/// One source for each recording or pair of them.
fn sources(recordings: &[Recording]) -> Vec<Source<'_>> {
    let stem = |recording: &Recording| {
        recording.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let mut sorted: Vec<&Recording> = recordings.iter().collect();
    sorted.sort_by_cached_key(|recording| (names::natural(&stem(recording)), recording.path.clone()));
    let mut taken = vec![false; sorted.len()];
    let mut sources = Vec::new();
    for place in 0..sorted.len() {
        if std::mem::replace(&mut taken[place], true) {
            continue;
        }
        let one = sorted[place];
        let mut files = vec![one];
        let mut name = stem(one);
        if let Some((base, own_side)) = names::side(&stem(one)) {
            let other =
                (0..sorted.len()).find(|&n| !taken[n] && is_other_side(one, sorted[n], base, own_side));
            if let Some(other) = other {
                taken[other] = true;
                files.push(sorted[other]);
                if own_side == Side::Right {
                    files.swap(0, 1);
                }
                name = base.to_string();
            }
        }
        let named = roles::role_of_name(&name);
        sources.push(Source { files, name, named, id: String::new(), aside: None });
    }
    sources
}

/// True for mono files that are called alike but for their sides, of one folder, length and rate.
fn is_other_side(one: &Recording, other: &Recording, base: &str, own_side: Side) -> bool {
    let stem = other.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let alike = names::side(&stem).is_some_and(|(b, s)| b.eq_ignore_ascii_case(base) && s != own_side);
    // Less than half a frame at any rate.
    let same_length = (one.duration_s - other.duration_s).abs() < 1e-6;
    alike
        && one.path.parent() == other.path.parent()
        && (one.channels, other.channels) == (1, 1)
        && one.sample_rate_hz == other.sample_rate_hz
        && same_length
}

/// Decides what would be heard twice or was never meant to be heard.
fn set_aside(sources: &mut [Source]) {
    let belongs = |source: &Source| !matches!(source.named.family, "utility" | "buses");
    let mut families: BTreeMap<&'static str, usize> = BTreeMap::new();
    for source in sources.iter().filter(|source| belongs(source)) {
        *families.entry(source.family()).or_default() += 1;
    }
    let count = |families: &BTreeMap<&str, usize>, wanted: &[&str]| -> usize {
        wanted.iter().filter_map(|family| families.get(family)).sum()
    };
    let everything: usize = families.values().sum();
    for source in sources.iter_mut() {
        let role = source.named.role;
        let parts = match role {
            "drum_bus" => count(&families, &["drums"]),
            "bass_bus" => count(&families, &["bass"]),
            "guitar_bus" => count(&families, &["guitars"]),
            "keys_bus" => count(&families, &["keys", "synths"]),
            "vocal_bus" => count(&families, &["vocals"]),
            "strings_bus" => count(&families, &["strings"]),
            // The sum of everything, or of everything but voice and drums.
            "mix_bus" => everything,
            "music_bus" => everything.saturating_sub(count(&families, &["vocals", "drums", "bass"])),
            _ => 0,
        };
        let utility = source.named.family == "utility";
        source.aside = if utility && everything > 0 {
            Some(format!("it is a {}, not music: set aside", spoken_role(role)))
        } else if parts > 0 {
            let what = if role == "mix_bus" { "mix" } else { "group" };
            let are = if parts == 1 { "recording it may hold is" } else { "recordings it holds are" };
            Some(format!("it is a finished {what}, and the {parts} {are} here by themselves: set aside"))
        } else {
            None
        };
    }
}

/// Ids that are unique, among strips and names with a meaning.
fn give_ids(sources: &mut [Source]) {
    let mut taken: Vec<String> = session::OUTPUT_NAMES.iter().map(|name| name.to_string()).collect();
    for source in sources.iter_mut() {
        let wanted = names::id(&source.name);
        let numbered = |n: usize| if n < 2 { wanted.clone() } else { format!("{wanted}_{n}") };
        let free = (1..).map(numbered).find(|id| !taken.contains(id));
        source.id = free.expect("numbers do not end");
        taken.push(source.id.clone());
    }
}

/// The session's rate where the recordings do not agree: that of most, and of equals the higher.
fn choose_rate(recordings: &[Recording], imported: &mut Imported) {
    let mut rates: BTreeMap<u32, usize> = BTreeMap::new();
    for recording in recordings {
        *rates.entry(recording.sample_rate_hz).or_default() += 1;
    }
    let Some((&rate, &count)) = rates.iter().max_by_key(|(rate, count)| (**count, **rate)) else {
        return;
    };
    if rates.len() < 2 {
        return;
    }
    imported.session.song.sample_rate_hz = Some(rate);
    let found: Vec<String> = rates.iter().map(|(rate, count)| format!("{count} at {rate} Hz")).collect();
    let why =
        format!("The recordings have several rates ({}): all are brought to that of most.", listed(&found));
    imported.decisions.push(
        Decision::set(StepId::Preparation, Path::new(["song", "sample_rate_hz"]), f64::from(rate), why)
            .noted(format!("{count} of {} files", recordings.len()))
            .measured("files at this rate", count as f64, "")
            .costs("the others are converted once, which leaves what is heard as it is")
            .unless("a delivery needs another rate"),
    );
}

type Bus = (String, &'static str, &'static str, &'static [&'static str]);

fn members<'a>(sources: &'a [Source], families: &'a [&str]) -> impl Iterator<Item = &'a Source<'a>> {
    sources.iter().filter(move |source| source.aside.is_none() && families.contains(&source.family()))
}

/// The buses that at least two tracks go to.
fn buses(sources: &[Source]) -> Vec<Bus> {
    let mut buses = Vec::new();
    for &(id, label, role, families) in BUSES {
        if members(sources, families).count() >= 2 {
            let taken = |id: &str| sources.iter().any(|source| source.id == id);
            let ids = [id.to_string(), format!("{id}_bus"), format!("all_{id}"), format!("all_{id}_bus")];
            let free = ids.into_iter().find(|id| !taken(id)).unwrap_or_else(|| format!("{role}_{id}_sum"));
            buses.push((free, label, role, families));
        }
    }
    buses
}

fn add_track(source: &Source, buses: &[Bus], imported: &mut Imported) {
    let mut strip = Strip::new(StripClass::Track, source.id.clone());
    let path = strip.path();
    let stem = source.name.as_str();
    let label = names::label(stem);
    strip.label = Some(label.clone());
    strip.files = source.files.iter().map(|file| file.path.clone()).collect();
    strip.mute = source.aside.is_some();
    if !strip.mute {
        let bus = buses.iter().find(|(.., families)| families.contains(&source.family()));
        strip.bus = bus.map(|(id, ..)| id.clone());
    }
    let step = StepId::Preparation;
    let first = source.files[0];
    let mended: Vec<String> = source.files.iter().flat_map(|file| file.notes.iter().cloned()).collect();
    let mended = if mended.is_empty() { String::new() } else { format!(" The file: {}.", mended.join("; ")) };
    let named = &source.named;
    let role = if named.role == UNKNOWN {
        let why = format!(
            "The name `{stem}` does not say what it is ({:.1} s, {} channel{}): treated neutrally. What is it?{mended}",
            first.duration_s,
            first.channels,
            if first.channels == 1 { "" } else { "s" }
        );
        let question = Decision::set(step, path.child("label"), label, why)
            .sure(0.2)
            .costs("what its role would have told: level, filters and dynamics stay neutral");
        question.noted("what is this? give it a role").unless("a role is given")
    } else {
        strip.role = Some(named.role.to_string());
        let why = format!("The name `{stem}` says {} (`{}`).{mended}", spoken_role(named.role), named.words);
        Decision::set(step, path.child("role"), named.role, why)
            .sure(named.confidence)
            .costs("levels and filters of another instrument, should the name be wrong")
            .unless("you give it another role")
            .noted(format!("name {:.2}", named.confidence))
            .measured("certainty of the name", named.confidence, "")
    };
    let role = role.measured("length", first.duration_s, "s");
    imported.decisions.push(role.measured("sample rate", f64::from(first.sample_rate_hz), "Hz"));
    if let [left, right] = source.files[..] {
        let value = |file: &Recording| Value::Text(session::file_text(&file.path));
        let why = format!(
            "`{stem}` lies in two mono files of {:.3} s, called left and right: they are one stereo track.",
            left.duration_s
        );
        imported.decisions.push(
            Decision::set(step, path.child("file"), vec![value(left), value(right)], why)
                .noted("left and right")
                .measured("length", left.duration_s, "s")
                .sure(0.9)
                .costs("the freedom to treat both sides apart")
                .unless("they are two performances, to be mixed by themselves"),
        );
    }
    if let Some(reason) = &source.aside {
        imported.decisions.push(
            Decision::set(step, path.child("mute"), true, format!("`{stem}`: {reason}."))
                .noted("set aside")
                .measured("certainty of the name", named.confidence, "")
                .sure(named.confidence)
                .costs("whatever is heard on it alone")
                .unless("it is meant to be heard"),
        );
    }
    imported.session.add(strip);
}

#[cfg(test)]
mod tests;
