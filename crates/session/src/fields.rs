//! What can be set in the session file, apart from the processors' own settings.
//!
//! Every table of the file has its list of [`Field`]s here, in the order in which they are written. The
//! reader, the writer, `set` and the JSON schema read these lists.

use crate::StripClass;
use dsp::{Class, Param, Taper};

/// A number that can be set: its bounds, its unit, and what leaving it out means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// Its key; ends with the unit.
    pub id: &'static str,
    /// How the unit is written after a number.
    pub unit: &'static str,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// What an absent key means.
    pub neutral: f64,
    /// Only whole numbers.
    pub whole: bool,
    /// How values between two automation points are found.
    pub taper: Taper,
}

impl Quantity {
    const fn new(id: &'static str, unit: &'static str, min: f64, max: f64, neutral: f64) -> Quantity {
        Quantity { id, unit, min, max, neutral, whole: false, taper: Taper::Linear }
    }

    const fn whole(self) -> Quantity {
        Quantity { whole: true, ..self }
    }

    /// The quantity that a processor's parameter is.
    pub fn of(param: &'static Param) -> Quantity {
        Quantity {
            id: param.id,
            unit: param.unit.symbol(),
            min: param.min,
            max: param.max,
            neutral: param.default,
            whole: false,
            taper: param.taper,
        }
    }
}

/// What the value of a key looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// A number within bounds.
    Number(Quantity),
    /// Any text.
    Text,
    /// `true` or `false`.
    Switch,
    /// One of the names that a processor's choice has.
    Choice(&'static Param),
    /// One file name, or a list of at most this many.
    Files {
        /// How many there may be.
        most: usize,
    },
    /// A list of texts.
    Texts,
    /// A list of `[name, seconds]`.
    Sections,
    /// A list of `[text]`, `[text, from]` or `[text, from, to]`, in seconds.
    Notes,
    /// The id of a bus.
    Bus,
    /// A table of levels, one per return: `{ plate_db = -18.0 }`.
    Sends,
    /// A table of breakpoint lists.
    Automation,
    /// A list of breakpoints, `[seconds, value]`.
    Points(Quantity),
    /// A list of processors.
    Inserts,
}

impl Form {
    /// The form of a processor's parameter.
    pub fn of(param: &'static Param) -> Form {
        match param.class {
            Class::Number => Form::Number(Quantity::of(param)),
            Class::Switch => Form::Switch,
            Class::Choice => Form::Choice(param),
        }
    }
}

/// One key of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// The key.
    pub id: &'static str,
    /// What it does, for the person who mixes.
    pub help: &'static str,
    /// What its value looks like.
    pub form: Form,
}

const fn number(quantity: Quantity, help: &'static str) -> Field {
    Field { id: quantity.id, help, form: Form::Number(quantity) }
}

const fn field(id: &'static str, form: Form, help: &'static str) -> Field {
    Field { id, help, form }
}

/// Time points of sections and automation, in seconds from the start of the song.
pub const TIME: Quantity = Quantity::new("time_s", "s", 0.0, 86_400.0, 0.0);
/// Gain before the inserts.
pub const TRIM: Quantity = Quantity::new("trim_db", "dB", -60.0, 60.0, 0.0);
/// Gain after the inserts.
pub const FADER: Quantity = Quantity::new("fader_db", "dB", -120.0, 24.0, 0.0);
/// Place between the loudspeakers.
pub const PAN: Quantity = Quantity::new("pan", "", -100.0, 100.0, 0.0);
/// Level of a send.
pub const SEND: Quantity = Quantity::new("level_db", "dB", -120.0, 24.0, 0.0);
/// Tempo of the song.
pub const TEMPO: Quantity = Quantity::new("tempo_bpm", "bpm", 20.0, 400.0, 0.0);
/// Beats in a bar.
pub const BEATS: Quantity = Quantity::new("beats_per_bar", "beats", 1.0, 32.0, 4.0).whole();
/// The rate at which the session is rendered.
pub const SAMPLE_RATE: Quantity = Quantity::new("sample_rate_hz", "Hz", 8_000.0, 384_000.0, 0.0).whole();
/// The year of release.
pub const YEAR: Quantity = Quantity::new("year", "", 1_000.0, 9_999.0, 0.0).whole();
/// Place of a song on its disc, or of a disc in its set.
pub const TRACK_NUMBER: Quantity = Quantity::new("track", "", 1.0, 999.0, 0.0).whole();
/// Tracks on the disc.
pub const TRACKS: Quantity = Quantity::new("tracks", "", 1.0, 999.0, 0.0).whole();
/// Which disc.
pub const DISC: Quantity = Quantity::new("disc", "", 1.0, 99.0, 0.0).whole();
/// How many discs.
pub const DISCS: Quantity = Quantity::new("discs", "", 1.0, 99.0, 0.0).whole();
/// Silence before a song of an album.
pub const GAP: Quantity = Quantity::new("gap_s", "s", 0.0, 600.0, 0.0);
/// Time in which a song of an album comes up while the one before still sounds.
pub const CROSSFADE: Quantity = Quantity::new("crossfade_s", "s", 0.0, 60.0, 0.0);
/// The version of the file's form.
pub const FORM_VERSION: Quantity = Quantity::new("version", "", 1.0, 65_535.0, 1.0).whole();
/// The seed of dither and of everything else that is random. 2^53 - 1 is the largest whole number that
/// every reader of the file holds exactly.
pub const SEED: Quantity = Quantity::new("seed", "", 0.0, 9_007_199_254_740_991.0, 0.0).whole();
/// Alignment of a track; positive is later.
pub const DELAY: Quantity = Quantity::new("delay_frames", "frames", -384_000.0, 384_000.0, 0.0);
/// Where a track's file begins in the song.
pub const START: Quantity = Quantity::new("start_s", "s", -3_600.0, 86_400.0, 0.0);
/// Where the pre-master's highest peak should stand.
pub const PREMASTER_PEAK: Quantity = Quantity::new("peak_dbfs", "dBFS", -40.0, 0.0, 0.0);
/// The integrated loudness a master is solved to.
pub const LOUDNESS: Quantity = Quantity::new("loudness_lufs", "LUFS", -60.0, 0.0, 0.0);
/// The true peak a master never exceeds.
pub const CEILING: Quantity = Quantity::new("ceiling_dbtp", "dBTP", -20.0, 0.0, 0.0);
/// Where the master begins in the song.
pub const MASTER_START: Quantity = Quantity::new("start_s", "s", 0.0, 86_400.0, 0.0);
/// Where it ends in the song.
pub const MASTER_END: Quantity = Quantity::new("end_s", "s", 0.0, 86_400.0, 0.0);
/// The fade at its beginning.
pub const FADE_IN: Quantity = Quantity::new("fade_in_s", "s", 0.0, 600.0, 0.0);
/// The fade at its end.
pub const FADE_OUT: Quantity = Quantity::new("fade_out_s", "s", 0.0, 600.0, 0.0);

const LABEL: Field = field("label", Form::Text, "The name people see; without it, the id.");
const ROLE: Field = field("role", Form::Text, "What it is in the song, such as lead_vocal or kick_in.");
const BUS: Field = field("bus", Form::Bus, "Where it goes; without it, straight into the mix.");
const TRIM_FIELD: Field = number(TRIM, "Gain before the inserts: brings the recording to working level.");
const FADER_FIELD: Field = number(FADER, "Gain after the inserts: the level in the mix.");
const PAN_FIELD: Field = number(PAN, "Place between the loudspeakers: -100 left, 0 centre, 100 right.");
const INVERT: Field = field("invert", Form::Switch, "Turns the polarity of all channels.");
const MUTE: Field = field("mute", Form::Switch, "Takes it out of the mix; its settings stay.");
const SENDS: Field = field("sends", Form::Sends, "Levels into returns, taken after fader and pan.");
const PRE_SENDS: Field = field("pre_sends", Form::Sends, "Levels into returns, taken before the fader.");
const AUTOMATION: Field =
    field("automation", Form::Automation, "Settings that move: lists of [seconds, value].");
const NOTES: Field = field(
    "notes",
    Form::Notes,
    "What you want changed, where: [\"too loud\", 62.0, 70.0]; the next plan answers what it understands.",
);
const INSERTS: Field = field("insert", Form::Inserts, "Processors, in the order the sound passes them.");

/// Keys of a track.
pub static TRACK: &[Field] = &[
    LABEL,
    field("file", Form::Files { most: 2 }, "The recording; two files are the left and right of one."),
    ROLE,
    BUS,
    TRIM_FIELD,
    INVERT,
    number(DELAY, "Moves it later (or earlier, if negative), to the fraction of a frame."),
    number(START, "Where the file begins in the song."),
    FADER_FIELD,
    PAN_FIELD,
    MUTE,
    SENDS,
    PRE_SENDS,
    NOTES,
    AUTOMATION,
    INSERTS,
];

/// Keys of a bus.
pub static BUS_STRIP: &[Field] = &[
    LABEL,
    ROLE,
    BUS,
    TRIM_FIELD,
    INVERT,
    FADER_FIELD,
    PAN_FIELD,
    MUTE,
    SENDS,
    PRE_SENDS,
    NOTES,
    AUTOMATION,
    INSERTS,
];

/// Keys of a return.
pub static RETURN: &[Field] = BUS_STRIP;

/// Keys of the pre-master.
pub static PREMASTER: &[Field] = &[
    number(PREMASTER_PEAK, "Where the highest peak of the pre-master should stand."),
    TRIM_FIELD,
    FADER_FIELD,
    NOTES,
    AUTOMATION,
    INSERTS,
];

/// Keys of the master.
pub static MASTER: &[Field] = &[
    number(LOUDNESS, "The integrated loudness to reach."),
    number(CEILING, "The true peak never to exceed."),
    field("references", Form::Files { most: 64 }, "Finished songs to be near to."),
    number(MASTER_START, "Where the master begins in the song; what is before is cut."),
    number(MASTER_END, "Where it ends in the song; without it, when the last tail has ended."),
    number(FADE_IN, "Length of the fade at its beginning."),
    number(FADE_OUT, "Length of the fade at its end."),
    TRIM_FIELD,
    FADER_FIELD,
    AUTOMATION,
    INSERTS,
];

/// More recordings than a song has.
pub const MOST_LEFT_OUT: usize = 1_000;

/// Keys of the song.
pub static SONG: &[Field] = &[
    field("title", Form::Text, "Its title."),
    field("artist", Form::Text, "Who plays it."),
    field("album", Form::Text, "The album it belongs to."),
    field("album_artist", Form::Text, "Whose album it is; without it, the artist."),
    number(TRACK_NUMBER, "Its place on the disc."),
    number(TRACKS, "Tracks on the disc."),
    number(DISC, "Which disc it is on."),
    number(DISCS, "How many discs there are."),
    field("genre", Form::Text, "Its genre, which shifts what the assistant aims at."),
    number(YEAR, "The year of release."),
    field("date", Form::Text, "The day of release, such as 2026-11-21; goes before the year."),
    field("isrc", Form::Text, "International Standard Recording Code (ISO 3901)."),
    field("barcode", Form::Text, "UPC or EAN of the release, with its check digit."),
    field("composer", Form::Text, "Who wrote the music."),
    field("lyrics", Form::Text, "The words."),
    field("copyright", Form::Text, "Whose right it is."),
    field("label", Form::Text, "The label."),
    field("cover", Form::Files { most: 1 }, "The front cover: a PNG or JPEG."),
    number(SAMPLE_RATE, "The rate at which everything is rendered; without it, the rate of most tracks."),
    number(TEMPO, "Its tempo."),
    number(BEATS, "Beats in a bar."),
    field("sections", Form::Sections, "Its parts: a list of [name, start in seconds]."),
    field(
        "left_out",
        Form::Files { most: MOST_LEFT_OUT },
        "Recordings of the folder that are in no track; the next plan passes over those that you name.",
    ),
    field("notes", Form::Text, "Anything worth remembering."),
];

/// Keys of the delivery.
pub static DELIVER: &[Field] = &[
    field("targets", Form::Texts, "Where it goes: streaming, cd, ..."),
    field(
        "formats",
        Form::Texts,
        "Kinds of file: wav, flac, aiff, alac, mp3, aac, vorbis, opus; without it, the target's own.",
    ),
    field("file_name", Form::Text, "The pattern of the files' names, such as {artist} - {title}."),
    field("zip", Form::Switch, "Pack each target's folder into one ZIP file."),
];

/// Keys of an album file.
pub static ALBUM: &[Field] = &[
    field("title", Form::Text, "Its title."),
    field("artist", Form::Text, "Whose album it is."),
    field("barcode", Form::Text, "UPC or EAN, with its check digit."),
    number(DISC, "Which disc this is."),
    number(DISCS, "How many discs there are."),
    field("genre", Form::Text, "Its genre."),
    field("date", Form::Text, "The day of release, such as 2026-11-21, or the year."),
    field("composer", Form::Text, "Who wrote the music."),
    field("copyright", Form::Text, "Whose right it is."),
    field("label", Form::Text, "The label."),
    field("cover", Form::Files { most: 1 }, "The front cover: a PNG or JPEG."),
    field("loudness", Form::Text, "as_mastered, album (one gain for all) or track (each by itself)."),
    number(LOUDNESS, "With album, the loudest track comes to this; with track, every one."),
    number(CEILING, "True peak that no gain goes beyond."),
    number(GAP, "Silence between tracks that do not say otherwise."),
    field("targets", Form::Texts, "Where it goes: streaming, cd, ..."),
    field("formats", Form::Texts, "Kinds of file; without it, the target's own."),
    field("file_name", Form::Text, "The pattern of the files' names."),
    field("zip", Form::Switch, "Pack each target's folder into one ZIP file."),
    number(SEED, "Seeds the dither."),
];

/// Keys of a track of an album file.
pub static ALBUM_TRACK: &[Field] = &[
    field("file", Form::Files { most: 1 }, "The master: an audio file."),
    field("title", Form::Text, "Its title."),
    field("artist", Form::Text, "Who plays it; without it, the album's artist."),
    field("isrc", Form::Text, "International Standard Recording Code (ISO 3901)."),
    field("genre", Form::Text, "Its genre; without it, the album's."),
    field("composer", Form::Text, "Who wrote it; without it, the album's composer."),
    field("lyrics", Form::Text, "The words."),
    number(GAP, "Silence before it; 0 joins it to the track before on the frame."),
    number(CROSSFADE, "Comes up for that long while the track before goes down."),
    number(TRIM, "Louder or softer than the album's gain alone."),
    number(FADE_IN, "Length of the fade at its beginning."),
    number(FADE_OUT, "Length of the fade at its end."),
];

/// Keys of the whole file. The form of `song`, `track` and the other tables is given by their own lists.
pub static ROOT: &[Field] = &[
    number(FORM_VERSION, "The version of the file's form."),
    field("engine", Form::Text, "The version of Tonmeister whose sound this is."),
    number(SEED, "Seeds dither and everything else that is random."),
];

/// The tables of the file, in the order in which they are written.
pub static TABLES: &[&str] = &["song", "track", "bus", "return", "premaster", "master", "deliver"];

/// The key of an insert that names an impulse response.
pub(crate) const IMPULSE_RESPONSE: &str = "impulse_response";

/// Keys of an insert that are not settings of its processor.
pub static INSERT: &[Field] = &[
    field("kind", Form::Text, "Which processor."),
    field("id", Form::Text, "Its own name; without it, the kind (the second one: kind_2)."),
    field("bypass", Form::Switch, "Takes it out of the chain; its latency stays."),
    field("key", Form::Text, "The track, bus or return it listens to instead of its own input."),
    field(IMPULSE_RESPONSE, Form::Files { most: 1 }, "The recording of a space that it convolves with."),
];

/// The key of one item of a group (a band of an equaliser) that names it.
pub const ITEM_NAME: Field =
    field("name", Form::Text, "Its own name; without it, its place in the list, from 1.");

/// The keys of a strip of this class.
pub fn strip(class: StripClass) -> &'static [Field] {
    match class {
        StripClass::Track => TRACK,
        StripClass::Bus => BUS_STRIP,
        StripClass::Return => RETURN,
        StripClass::Premaster => PREMASTER,
        StripClass::Master => MASTER,
    }
}
