//! One thing that can be set, and how it is called, bounded and shown.

/// The unit of a number; its suffix ends the parameter's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A pure number: ratio, Q, position.
    None,
    /// Decibels of gain or level.
    Decibel,
    /// Decibels of true peak relative to full scale.
    DecibelTruePeak,
    /// Loudness relative to full scale (ITU-R BS.1770).
    Loudness,
    /// Hertz.
    Hertz,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Percent.
    Percent,
    /// Decibels per octave.
    DecibelPerOctave,
    /// Beats per minute.
    BeatsPerMinute,
    /// Quarter-note beats.
    Beat,
    /// Metres.
    Metre,
    /// Degrees of an angle or a phase.
    Degree,
    /// Cents: hundredths of a semitone.
    Cent,
}

impl Unit {
    /// What the id of a parameter in this unit ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Decibel => "_db",
            Unit::DecibelTruePeak => "_dbtp",
            Unit::Loudness => "_lufs",
            Unit::Hertz => "_hz",
            Unit::Millisecond => "_ms",
            Unit::Second => "_s",
            Unit::Percent => "_percent",
            Unit::DecibelPerOctave => "_db_per_oct",
            Unit::BeatsPerMinute => "_bpm",
            Unit::Beat => "_beats",
            Unit::Metre => "_m",
            Unit::Degree => "_degrees",
            Unit::Cent => "_cents",
        }
    }

    /// How the unit is written after a number.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Decibel => "dB",
            Unit::DecibelTruePeak => "dBTP",
            Unit::Loudness => "LUFS",
            Unit::Hertz => "Hz",
            Unit::Millisecond => "ms",
            Unit::Second => "s",
            Unit::Percent => "%",
            Unit::DecibelPerOctave => "dB/oct",
            Unit::BeatsPerMinute => "bpm",
            Unit::Beat => "beats",
            Unit::Metre => "m",
            Unit::Degree => "°",
            Unit::Cent => "cents",
        }
    }
}

/// How values between two automation points are found, and how a knob is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taper {
    /// Straight.
    Linear,
    /// Straight in octaves or ratios: for frequencies and times.
    Logarithmic,
}

/// One of the named values of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Its name in the session file.
    pub id: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// What a value looks like in the session file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A number in a unit.
    Number,
    /// `true` or `false`, held as 1 or 0.
    Switch,
    /// One of some names, held as its index.
    Choice,
}

/// One thing that can be set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    /// Its name in the session file; ends with the unit's suffix.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it does to the sound.
    pub help: &'static str,
    /// Number, switch or choice.
    pub class: Class,
    /// Unit of a number.
    pub unit: Unit,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// The neutral value, which an absent key means.
    pub default: f64,
    /// Spread between the ends.
    pub taper: Taper,
    /// The names of a choice.
    pub choices: &'static [Choice],
    /// Changes latency or structure, hence cannot be automated.
    pub fixed: bool,
}

impl Param {
    /// A plain number: the base that a settings struct fills in.
    pub const NUMBER: Param = Param {
        id: "",
        label: "",
        help: "",
        class: Class::Number,
        unit: Unit::None,
        min: 0.0,
        max: 1.0,
        default: 0.0,
        taper: Taper::Linear,
        choices: &[],
        fixed: false,
    };

    /// The help text as one line.
    pub fn help(&self) -> &'static str {
        help_text(self.help)
    }

    /// The nearest allowed value.
    pub fn clamp(&self, value: f64) -> f64 {
        match self.class {
            Class::Number => value.clamp(self.min, self.max),
            Class::Switch | Class::Choice => value.round().clamp(self.min, self.max),
        }
    }
}

/// A repeated set of parameters, such as the bands of an equaliser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Its name in the session file.
    pub id: &'static str,
    /// The name of one item for people.
    pub label: &'static str,
    /// What the items are.
    pub help: &'static str,
    /// The parameters of each item.
    pub params: &'static [Param],
    /// How many items there may be.
    pub max: usize,
}

impl Group {
    /// The base that a settings struct fills in.
    pub const EMPTY: Group = Group { id: "", label: "", help: "", params: &[], max: 0 };

    /// The help text as one line.
    pub fn help(&self) -> &'static str {
        help_text(self.help)
    }
}

/// A doc comment's text without the blank that follows its slashes.
pub fn help_text(doc: &'static str) -> &'static str {
    doc.trim()
}

/// A type that a settings struct may hold.
pub trait Setting: Copy {
    /// The description that the struct's field completes.
    const BASE: Param;
    /// From the number that stands for it.
    fn from_number(value: f64) -> Self;
    /// The number that stands for it.
    fn number(self) -> f64;
}

impl Setting for f64 {
    const BASE: Param = Param::NUMBER;
    fn from_number(value: f64) -> f64 {
        value
    }
    fn number(self) -> f64 {
        self
    }
}

impl Setting for bool {
    const BASE: Param = Param { class: Class::Switch, ..Param::NUMBER };
    fn from_number(value: f64) -> bool {
        value >= 0.5
    }
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// A field's name without the mark that lets a Rust keyword be one: `r#type` is `type` to people.
pub const fn plain_name(name: &'static str) -> &'static str {
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { name.split_at(2).1 } else { name }
}
