//! The session as the engine and the assistant see it.

use crate::Lane;
use dsp::{Address, Kind, Values};
use indexmap::IndexMap;
use std::fmt;
use std::path::PathBuf;

/// The version of the file's form that this crate writes.
pub const VERSION: u32 = 1;

/// Names that no strip may have; as `bus`, the first two mean the mix itself.
pub const OUTPUT_NAMES: &[&str] = &["master", "mix", "premaster"];

/// A whole session. The order of tracks, buses and returns is that of the file: it is the mixer's order, and
/// sums are taken in it.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The version of the file's form.
    pub version: u32,
    /// The version of Tonmeister whose sound this is; empty when the file does not say.
    pub engine: String,
    /// Seeds dither and everything else that is random; at most 2^53 - 1.
    pub seed: u64,
    /// The song.
    pub song: Song,
    /// Tracks by id.
    pub tracks: IndexMap<String, Strip>,
    /// Buses by id.
    pub buses: IndexMap<String, Strip>,
    /// Returns by id.
    pub returns: IndexMap<String, Strip>,
    /// Where everything comes together.
    pub premaster: Premaster,
    /// The mastering chain.
    pub master: Master,
    /// What is delivered.
    pub deliver: Deliver,
}

/// About the song.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Song {
    /// Its title.
    pub title: Option<String>,
    /// Who plays it.
    pub artist: Option<String>,
    /// The album it belongs to.
    pub album: Option<String>,
    /// Whose album it is.
    pub album_artist: Option<String>,
    /// Its place on the disc, from 1 on.
    pub track: Option<u32>,
    /// Tracks on the disc.
    pub tracks: Option<u32>,
    /// Which disc, from 1 on.
    pub disc: Option<u32>,
    /// How many discs.
    pub discs: Option<u32>,
    /// Its genre.
    pub genre: Option<String>,
    /// The year of release.
    pub year: Option<u32>,
    /// The day of release.
    pub date: Option<String>,
    /// International Standard Recording Code.
    pub isrc: Option<String>,
    /// UPC or EAN of the release.
    pub barcode: Option<String>,
    /// Who wrote the music.
    pub composer: Option<String>,
    /// The words.
    pub lyrics: Option<String>,
    /// Whose right it is.
    pub copyright: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// The front cover: a PNG or JPEG, relative to the session.
    pub cover: Option<PathBuf>,
    /// The rate of the whole session in hertz; without it, the rate of most tracks.
    pub sample_rate_hz: Option<u32>,
    /// Tempo in beats per minute.
    pub tempo_bpm: Option<f64>,
    /// Beats in a bar; without it, four.
    pub beats_per_bar: Option<u32>,
    /// Its parts in order of time.
    pub sections: Vec<Section>,
    /// Recordings of the folder that are in no track.
    pub left_out: Vec<PathBuf>,
    /// Anything worth remembering.
    pub notes: Option<String>,
}

/// A part of the song; it lasts until the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Verse, chorus, ...
    pub name: String,
    /// Where it begins, in seconds.
    pub start_s: f64,
}

/// What a strip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StripClass {
    /// Plays one recording.
    Track,
    /// Sums strips.
    Bus,
    /// Sums sends.
    Return,
    /// Sums everything.
    Premaster,
    /// Takes the pre-master to the master.
    Master,
}

impl StripClass {
    /// The table it stands in: `track`, `bus`, `return`, `premaster`, `master`.
    pub fn table(self) -> &'static str {
        match self {
            StripClass::Track => "track",
            StripClass::Bus => "bus",
            StripClass::Return => "return",
            StripClass::Premaster => "premaster",
            StripClass::Master => "master",
        }
    }
}

/// A channel of the mixer.
///
/// The sound passes, in this order: file (or sum), `start_s` and `delay_frames`, polarity, trim, inserts, sends
/// before the fader, fader, pan, sends after the fader, bus. An absent setting is neutral.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// What it is.
    pub class: StripClass,
    /// Its name in the file; unique among tracks, buses and returns.
    pub id: String,
    /// Its name for people.
    pub label: Option<String>,
    /// A track's recording, relative to the session's folder: one file, or left and right. Empty for others.
    pub files: Vec<PathBuf>,
    /// What it is in the song.
    pub role: Option<String>,
    /// The bus it goes to; without it, the pre-master.
    pub bus: Option<String>,
    /// Gain before the inserts, in decibels.
    pub trim_db: f64,
    /// Turns the polarity of all channels.
    pub invert: bool,
    /// Moves a track later by frames of the session's rate; may be fractional or negative.
    pub delay_frames: f64,
    /// Where a track's file begins in the song, in seconds; negative cuts its beginning off.
    pub start_s: f64,
    /// Gain after the inserts, in decibels.
    pub fader_db: f64,
    /// -100 left, 0 centre, 100 right.
    pub pan: f64,
    /// Out of the mix.
    pub mute: bool,
    /// Levels into returns.
    pub sends: Vec<Send>,
    /// What moves.
    pub lanes: Vec<Lane>,
    /// Processors, in the order the sound passes them.
    pub inserts: Vec<Insert>,
    /// What a person noted about it.
    pub notes: Vec<Note>,
}

/// What a person noted about a strip, for the next plan to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// In their own words: "too loud".
    pub text: String,
    /// Where it begins in the song, in seconds; without it, it is about all of the song.
    pub from_s: Option<f64>,
    /// Where it ends, in seconds; without it, a few seconds after the beginning.
    pub to_s: Option<f64>,
}

/// A level into a return.
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    /// The return's id.
    pub to: String,
    /// Its level in decibels.
    pub level_db: f64,
    /// Taken before the fader, not after fader and pan.
    pub pre_fader: bool,
}

/// A processor on a strip.
#[derive(Clone)]
pub struct Insert {
    /// Its name on the strip, unique there: the kind unless the file says `id`; the second of a kind is `kind_2`.
    pub id: String,
    /// Which processor.
    pub kind: &'static Kind,
    /// Its settings; those absent in the file are neutral.
    pub values: Values,
    /// Per group of the kind, per item: the name the file gives it.
    pub item_names: Vec<Vec<Option<String>>>,
    /// Out of the chain, its latency kept.
    pub bypass: bool,
    /// The track, bus or return it listens to instead of its input.
    pub key: Option<String>,
    /// The impulse response it is built from, relative to the session.
    pub impulse_response: Option<PathBuf>,
}

/// Where everything comes together, before mastering.
#[derive(Debug, Clone, PartialEq)]
pub struct Premaster {
    /// Trim, fader, inserts and automation of the sum.
    pub strip: Strip,
    /// Where its highest peak should stand. A target for the assistant, which sets the fader; the engine
    /// does not read it.
    pub peak_dbfs: Option<f64>,
}

/// The mastering chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Master {
    /// Trim, fader, inserts and automation of the chain.
    pub strip: Strip,
    /// The integrated loudness to reach.
    pub loudness_lufs: Option<f64>,
    /// The true peak never to exceed.
    pub ceiling_dbtp: Option<f64>,
    /// Finished songs to be near to.
    pub references: Vec<PathBuf>,
    /// Where the master begins, in seconds of the song; what is before is cut.
    pub start_s: f64,
    /// Where it ends, in seconds of the song; without it, when the last tail has ended.
    pub end_s: Option<f64>,
    /// Length of the fade at its beginning, in seconds.
    pub fade_in_s: f64,
    /// Length of the fade at its end, in seconds.
    pub fade_out_s: f64,
}

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deliver {
    /// Ids of delivery targets.
    pub targets: Vec<String>,
    /// Ids of kinds of file; empty for the target's own.
    pub formats: Vec<String>,
    /// The pattern of the files' names.
    pub file_name: Option<String>,
    /// Whether each target's folder becomes a ZIP file.
    pub zip: bool,
}

impl Strip {
    /// A neutral strip.
    pub fn new(class: StripClass, id: impl Into<String>) -> Strip {
        Strip {
            class,
            id: id.into(),
            label: None,
            files: Vec::new(),
            role: None,
            bus: None,
            trim_db: 0.0,
            invert: false,
            delay_frames: 0.0,
            start_s: 0.0,
            fader_db: 0.0,
            pan: 0.0,
            mute: false,
            sends: Vec::new(),
            lanes: Vec::new(),
            inserts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Its name for people: the label, or else the id.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.id)
    }

    /// The insert with this id.
    pub fn insert(&self, id: &str) -> Option<&Insert> {
        self.inserts.iter().find(|insert| insert.id == id)
    }

    /// Its path in the file: `track.kick`, `premaster`.
    pub fn path(&self) -> crate::Path {
        match self.class {
            StripClass::Premaster | StripClass::Master => crate::Path::new([self.class.table()]),
            _ => crate::Path::new([self.class.table(), &self.id]),
        }
    }

    /// The id that an insert of this kind gets when the file does not name it.
    pub fn next_insert_id(&self, kind: &str) -> String {
        default_insert_id(kind, self.inserts.iter().filter(|insert| insert.kind.id == kind).count())
    }
}

/// The id of an insert that has none of its own, after `before` others of its kind on the strip.
pub(crate) fn default_insert_id(kind: &str, before: usize) -> String {
    if before == 0 { kind.to_string() } else { format!("{kind}_{}", before + 1) }
}

impl Insert {
    /// An insert with neutral settings.
    pub fn new(id: impl Into<String>, kind: &'static Kind) -> Insert {
        Insert {
            id: id.into(),
            kind,
            values: Values::neutral(kind),
            item_names: vec![Vec::new(); kind.groups.len()],
            bypass: false,
            key: None,
            impulse_response: None,
        }
    }

    /// What an item of a group is called in paths: its name, or else its place from 1.
    pub fn item_name(&self, group: usize, item: usize) -> String {
        let name = self.item_names.get(group).and_then(|names| names.get(item)).cloned().flatten();
        name.unwrap_or_else(|| (item + 1).to_string())
    }

    /// The name of a setting as the session's paths have it: `threshold_db`, `bands.mud.gain_db`.
    pub fn setting_name(&self, address: Address) -> String {
        match address {
            Address::Field(field) => self.kind.params[field].id.to_string(),
            Address::Item { group, item, field } => {
                let group_kind = &self.kind.groups[group];
                format!("{}.{}.{}", group_kind.id, self.item_name(group, item), group_kind.params[field].id)
            }
        }
    }

    /// The address of a setting by the parts of its name, as [`Insert::setting_name`] gives it.
    pub fn address<S: AsRef<str>>(&self, parts: &[S]) -> Option<Address> {
        match parts {
            [param] => {
                let field = self.kind.params.iter().position(|p| p.id == param.as_ref())?;
                Some(Address::Field(field))
            }
            [group, item, param] => {
                let group = self.kind.groups.iter().position(|g| g.id == group.as_ref())?;
                let items = self.values.groups[group].len();
                let item = (0..items).find(|&place| self.item_name(group, place) == item.as_ref())?;
                let field = self.kind.groups[group].params.iter().position(|p| p.id == param.as_ref())?;
                Some(Address::Item { group, item, field })
            }
            _ => None,
        }
    }

    /// Names of the items of a group, filled up to the number of items.
    pub(crate) fn named_items(&self) -> Vec<Vec<Option<String>>> {
        let groups = self.values.groups.iter().enumerate();
        groups
            .map(|(group, items)| {
                let names = self.item_names.get(group).map_or(&[][..], Vec::as_slice);
                (0..items.len()).map(|item| names.get(item).cloned().flatten()).collect()
            })
            .collect()
    }
}

impl fmt::Debug for Insert {
    /// The kind by its id alone: its description is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insert")
            .field("id", &self.id)
            .field("kind", &self.kind.id)
            .field("values", &self.values)
            .field("item_names", &self.item_names)
            .field("bypass", &self.bypass)
            .field("key", &self.key)
            .field("impulse_response", &self.impulse_response)
            .finish()
    }
}

impl PartialEq for Insert {
    /// Kinds are compared by id.
    fn eq(&self, other: &Insert) -> bool {
        self.id == other.id
            && self.kind.id == other.kind.id
            && self.values == other.values
            && self.named_items() == other.named_items()
            && self.bypass == other.bypass
            && self.key == other.key
            && self.impulse_response == other.impulse_response
    }
}

impl Default for Premaster {
    fn default() -> Premaster {
        Premaster { strip: Strip::new(StripClass::Premaster, "premaster"), peak_dbfs: None }
    }
}

impl Default for Master {
    fn default() -> Master {
        Master {
            strip: Strip::new(StripClass::Master, "master"),
            loudness_lufs: None,
            ceiling_dbtp: None,
            references: Vec::new(),
            start_s: 0.0,
            end_s: None,
            fade_in_s: 0.0,
            fade_out_s: 0.0,
        }
    }
}

impl Session {
    /// An empty session of the present form.
    pub fn new() -> Session {
        Session { version: VERSION, ..Session::default() }
    }

    /// Tracks, buses, returns, pre-master and master, in this order and each in the file's.
    pub fn strips(&self) -> impl Iterator<Item = &Strip> {
        self.channels().chain([&self.premaster.strip, &self.master.strip])
    }

    /// Tracks, buses and returns, in this order and each in the file's.
    pub fn channels(&self) -> impl Iterator<Item = &Strip> {
        self.tracks.values().chain(self.buses.values()).chain(self.returns.values())
    }

    /// The track, bus or return with this id, or the `premaster` or `master`.
    pub fn strip(&self, id: &str) -> Option<&Strip> {
        self.strips().find(|strip| strip.id == id)
    }

    /// The same, to be changed.
    pub fn strip_mut(&mut self, id: &str) -> Option<&mut Strip> {
        let channels =
            self.tracks.values_mut().chain(self.buses.values_mut()).chain(self.returns.values_mut());
        channels.chain([&mut self.premaster.strip, &mut self.master.strip]).find(|strip| strip.id == id)
    }

    /// Adds a strip at the end of its class, in place of one with the same id if there is one.
    pub fn add(&mut self, strip: Strip) {
        match strip.class {
            StripClass::Track => drop(self.tracks.insert(strip.id.clone(), strip)),
            StripClass::Bus => drop(self.buses.insert(strip.id.clone(), strip)),
            StripClass::Return => drop(self.returns.insert(strip.id.clone(), strip)),
            StripClass::Premaster => self.premaster.strip = strip,
            StripClass::Master => self.master.strip = strip,
        }
    }
}

impl PartialEq for Session {
    /// The order of strips counts, since sums are taken in it.
    fn eq(&self, other: &Session) -> bool {
        self.version == other.version
            && self.engine == other.engine
            && self.seed == other.seed
            && self.song == other.song
            && self.channels().eq(other.channels())
            && self.premaster == other.premaster
            && self.master == other.master
            && self.deliver == other.deliver
    }
}
