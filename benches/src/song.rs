//! A session as a mixing engineer would have it, synthesised: sixteen tracks, two buses, two returns, two rides.

use crate::Failure;
use audio::Buffer;
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::f64::consts::TAU;
use std::fmt::Write;
use std::path::Path;

pub(crate) const RATE: u32 = 48_000;

/// Struck tones over noise, as drums and strings have them: loud and quiet alternate, so that every compressor
/// works. Made block by block.
pub(crate) struct Instrument {
    state: u64,
    hz: f64,
    beat: usize,
    frame: usize,
    envelope: f64,
    fall: f64,
}

impl Instrument {
    pub(crate) fn new(seed: u64) -> Instrument {
        let beat = 12_000 + 3_001 * (seed as usize % 5);
        let fall = (-4.0 / beat as f64).exp();
        Instrument {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            hz: 55.0 * (1.0 + seed as f64),
            beat,
            frame: 0,
            envelope: 0.0,
            fall,
        }
    }

    fn noise(&mut self) -> f64 {
        // xorshift64 (Marsaglia, Xorshift RNGs, J. Stat. Softw. 8, 2003).
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Its noise alone, at full level.
    pub(crate) fn noise_into(&mut self, samples: &mut [f64]) {
        samples.iter_mut().for_each(|sample| *sample = self.noise());
    }

    pub(crate) fn fill(&mut self, samples: &mut [f64]) {
        for sample in samples {
            if self.frame.is_multiple_of(self.beat) {
                self.envelope = 1.0;
            }
            let phase = (self.hz * self.frame as f64 / f64::from(RATE)).fract();
            let tone = (TAU * phase).sin();
            *sample = 0.7 * self.envelope * (0.6 * tone + 0.3 * self.noise());
            self.envelope *= self.fall;
            self.frame += 1;
        }
    }
}

/// Which rides the session has: with a point every two seconds they are what grows of its text with the song.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rides {
    All,
    None,
}

/// Writes the recordings and `session.toml` into a folder.
///
/// Tracks share four recordings, two of them stereo: half an hour of sixteen would fill a disk, and what a
/// track reads twice costs it the same.
pub(crate) fn write(folder: &Path, minutes: usize, tracks: usize, rides: Rides) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    for recording in 0..RECORDINGS {
        let channels = channels(recording);
        let spec = WriteSpec {
            file_type: FileType::Wav,
            sample_format: SampleFormat::Int24,
            sample_rate_hz: RATE,
            channels,
        };
        let mut writer = Writer::create(folder.join(file(recording)), spec)?;
        let mut instruments: Vec<Instrument> =
            (0..channels).map(|c| Instrument::new((2 * recording + c + 1) as u64)).collect();
        let mut block = Buffer::new(channels, RATE as usize);
        for _ in 0..60 * minutes {
            for (c, instrument) in instruments.iter_mut().enumerate() {
                instrument.fill(block.channel_mut(c));
            }
            writer.write_f64(&block.as_block())?;
        }
        writer.finish()?;
    }
    Ok(std::fs::write(folder.join("session.toml"), session(minutes, tracks, rides)?)?)
}

fn name(track: usize) -> String {
    format!("t{:02}", track + 1)
}

fn channels(recording: usize) -> usize {
    1 + recording / 2
}

fn file(recording: usize) -> String {
    format!("recording_{}.wav", recording + 1)
}

/// The recording a track plays: half of the tracks are stereo.
pub(crate) fn file_of_track(track: usize) -> String {
    file(track % RECORDINGS)
}

pub(crate) const TRACKS: usize = 16;

const RECORDINGS: usize = 4;

/// Per track a high-pass and four bands, a compressor, a place; two buses with compressors; a plate and a delay
/// that every track is sent to; two vocal rides.
fn session(minutes: usize, tracks: usize, rides: Rides) -> Result<String, Failure> {
    let mut text = format!("version = 1\nengine = \"0.1.0\"\nseed = 1\n\n[song]\nsample_rate_hz = {RATE}\n");
    for track in 0..tracks {
        let (id, bus) = (name(track), if track < tracks / 2 { "drums" } else { "band" });
        let pan = 10 * (track % TRACKS) as i64 - 75;
        write!(
            text,
            "
[track.{id}]
file = \"{}\"
bus = \"{bus}\"
trim_db = -6.0
fader_db = -9.0
pan = {pan}
sends = {{ plate_db = -18.0, echo_db = -24.0 }}

[[track.{id}.insert]]
kind = \"eq\"
bands = [
  {{ type = \"high_pass\", freq_hz = {}, slope_db_per_oct = 24 }},
  {{ type = \"low_shelf\", freq_hz = 120, gain_db = 2.0, q = 0.7 }},
  {{ type = \"bell\", freq_hz = 310, gain_db = -3.0, q = 1.4 }},
  {{ type = \"bell\", freq_hz = 3200, gain_db = 2.5, q = 1.0 }},
  {{ type = \"high_shelf\", freq_hz = 9000, gain_db = 1.5, q = 0.7 }},
]

[[track.{id}.insert]]
kind = \"compressor\"
threshold_db = -24.0
ratio = 3.0
attack_ms = 10.0
release_ms = 120.0
sidechain_high_pass_hz = 100
makeup_db = 3.0
",
            file_of_track(track),
            30 + 5 * (track % TRACKS),
        )?;
    }
    for id in [name(tracks - 2), name(tracks - 1)].into_iter().filter(|_| rides == Rides::All) {
        let points: Vec<String> =
            (0..60 * minutes).step_by(2).map(|s| format!("[{s}.0, {}.0]", (s / 2) % 4)).collect();
        write!(text, "\n[track.{id}.automation]\nfader_db = [{}]\n", points.join(", "))?;
    }
    for bus in ["drums", "band"] {
        write!(
            text,
            "
[bus.{bus}]

[[bus.{bus}.insert]]
kind = \"compressor\"
threshold_db = -20.0
ratio = 2.0
attack_ms = 30.0
release_ms = 200.0
"
        )?;
    }
    text += "
[return.plate]

[[return.plate.insert]]
kind = \"reverb\"
style = \"plate\"
decay_s = 1.8
predelay_ms = 20.0
low_cut_hz = 200.0
mix_percent = 100.0

[return.echo]

[[return.echo.insert]]
kind = \"delay\"
time_ms = 375.0
feedback_percent = 35.0
low_cut_hz = 200.0
high_cut_hz = 5000.0
mix_percent = 100.0
";
    Ok(text)
}
