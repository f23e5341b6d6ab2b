//! The signals that ours and the peers are given.

use super::RATE_HZ;
use crate::Failure;
use crate::song::Instrument;
use audio::{Buffer, Frames, db_to_gain};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use std::f64::consts::TAU;
use std::path::Path;

/// Where the impulse stands, and how high: under every threshold and far above the rounding of 32-bit floats.
pub(crate) const IMPULSE_FRAME: Frames = 4_800;
pub(crate) const IMPULSE: f64 = 0.1;

/// A test signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signal {
    /// One frame of 0.1 in both channels.
    Impulse,
    /// A tone of this many hertz at this level in dBFS, five seconds.
    Tone(u32, i32),
    /// A minute of struck tones and noise, peaks near -1 dBFS.
    Programme,
}

impl Signal {
    /// Its name as a file.
    pub(crate) fn name(self) -> String {
        match self {
            Signal::Impulse => "impulse".into(),
            Signal::Tone(hz, dbfs) => format!("tone_{hz}_hz_{}_dbfs", -dbfs),
            Signal::Programme => "programme".into(),
        }
    }

    /// Its samples, stereo.
    pub(crate) fn sound(self) -> Buffer {
        match self {
            Signal::Impulse => {
                let mut sound = Buffer::new(2, 1 << 17);
                (0..2).for_each(|c| sound.channel_mut(c)[IMPULSE_FRAME] = IMPULSE);
                sound
            }
            Signal::Tone(hz, dbfs) => tone(f64::from(hz), f64::from(dbfs), 5.0),
            Signal::Programme => programme(60),
        }
    }
}

/// Every signal that a peer is given.
pub(crate) const ALL: &[Signal] = &[
    Signal::Impulse,
    Signal::Tone(60, -6),
    Signal::Tone(997, -6),
    Signal::Tone(60, -1),
    Signal::Tone(997, -1),
    Signal::Tone(4_999, -6),
    Signal::Programme,
];

/// A sine of a whole number of hertz, so that a second holds whole periods.
pub(crate) fn tone(hz: f64, dbfs: f64, seconds: f64) -> Buffer {
    let gain = db_to_gain(dbfs);
    // The phase is wrapped before the sine: thousands of turns would cost it its last digits.
    let sample = |n: usize| gain * (TAU * (hz * n as f64 / RATE_HZ).fract()).sin();
    let plane: Vec<f64> = (0..(seconds * RATE_HZ) as usize).map(sample).collect();
    Buffer::from_channels(&[plane.clone(), plane])
}

/// Length of the fades at both ends of the programme: a cut would ring in every meter of true peaks, whoever made it.
const FADE_S: f64 = 0.01;

/// Struck tones and noise, left and right different, faded at both ends.
pub(crate) fn programme(seconds: usize) -> Buffer {
    let mut sound = Buffer::new(2, seconds * RATE_HZ as usize);
    for c in 0..2 {
        let mut part = vec![0.0; sound.frames()];
        for seed in 0..3 {
            Instrument::new(c as u64 + 2 * seed + 1).fill(&mut part);
            sound.channel_mut(c).iter_mut().zip(&part).for_each(|(sum, x)| *sum += 0.5 * x);
        }
        let (fade, last) = (FADE_S * RATE_HZ, sound.frames() - 1);
        for (n, sample) in sound.channel_mut(c).iter_mut().enumerate() {
            *sample *= (n.min(last - n) as f64 / fade).min(1.0);
        }
    }
    sound
}

/// Writes every signal as a 32-bit float file, the widest that all peers read.
pub(crate) fn write(folder: &Path) -> Result<(), Failure> {
    let folder = folder.join("signals");
    std::fs::create_dir_all(&folder)?;
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Float32,
        sample_rate_hz: RATE_HZ as u32,
        channels: 2,
    };
    for signal in ALL {
        let mut writer = Writer::create(folder.join(format!("{}.wav", signal.name())), spec)?;
        writer.write_f64(&signal.sound().as_block())?;
        writer.finish()?;
    }
    Ok(())
}
