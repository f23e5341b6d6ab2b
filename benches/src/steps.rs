//! One piece of a hot path between two signals, for `tests/instructions.rs`, which counts its instructions.
//!
//! Everything that happens only once (tables, plans of transforms, the first blocks) is done before the first signal.

use crate::clock::process_cpu_s;
use crate::song::{Instrument, RATE};
use crate::work::values;
use crate::{Failure, say};
use audio::{BlockRef, Buffer, Layout, Spec};
use files::{FileType, SampleFormat, WriteSpec, Writer};
use measure::Loudness;
use signal_hook::consts::SIGUSR1;
use signal_hook::low_level::raise;

/// Frames between the signals: one period of the control grid, few enough to be stepped through.
const FRAMES: usize = 64;
/// Blocks before them: more than any look-ahead.
const BEFORE: usize = 128;
/// Blocks that a meter is given at once: a few of its bins.
const METERED: usize = 15;

/// Sound that every block of a path takes in turn.
struct Sound(Buffer);

impl Sound {
    fn new(channels: usize) -> Sound {
        let mut buffer = Buffer::new(channels, FRAMES * (BEFORE + 1));
        for c in 0..channels {
            Instrument::new(c as u64 + 1).fill(buffer.channel_mut(c));
        }
        Sound(buffer)
    }

    fn block(&self, number: usize) -> BlockRef<'_> {
        self.0.range(number * FRAMES, FRAMES)
    }
}

/// Runs `work` for each block, with the last of them between two signals.
fn between_signals(mut work: impl FnMut(usize) -> Result<(), Failure>) -> Result<(), Failure> {
    (0..BEFORE).try_for_each(&mut work)?;
    raise(SIGUSR1)?;
    let done = work(BEFORE);
    raise(SIGUSR1)?;
    done
}

/// Runs a path: a kind of processor, `loudness` or `read_wav`.
pub(crate) fn run(path: &str) -> Result<(), Failure> {
    // The counts are those of vectors of four, whatever the machine has.
    #[cfg(target_arch = "x86_64")]
    audio::narrow_to(audio::Vectors::Four);
    let sound = Sound::new(2);
    match path {
        "loudness" => {
            let mut meter = Loudness::new(f64::from(RATE), Layout::Stereo)?;
            between_signals(|number| {
                let start = number.min(BEFORE + 1 - METERED) * FRAMES;
                meter.push(&sound.0.range(start, METERED * FRAMES));
                Ok(())
            })?;
        }
        "read_wav" => read(&sound)?,
        _ => process(path, &sound)?,
    }
    // What was worked out must be told, or nothing need be worked out.
    say(&format!("{path} {:?}", process_cpu_s().is_some()))
}

fn process(id: &str, sound: &Sound) -> Result<(), Failure> {
    let kind = dsp::KINDS.iter().find(|kind| kind.id == id);
    let kind = kind.ok_or_else(|| format!("`{id}` is no path: see benches/src/steps.rs"))?;
    let spec = Spec { sample_rate_hz: f64::from(RATE), channels: 2, max_frames: FRAMES };
    let mut processor = (kind.build)(&values(kind)?, &spec);
    let mut block = Buffer::new(2, FRAMES);
    between_signals(|number| {
        block.as_block_mut().copy_from(&sound.block(number));
        processor.process(&mut block.as_block_mut(), None);
        Ok(())
    })
}

fn read(sound: &Sound) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sound");
    let spec = WriteSpec {
        file_type: FileType::Wav,
        sample_format: SampleFormat::Int24,
        sample_rate_hz: RATE,
        channels: 2,
    };
    let mut writer = Writer::create(&path, spec)?;
    // Longer than what is read, so that the end of the file is not part of it.
    for _ in 0..2 {
        writer.write_f64(&sound.0.as_block())?;
    }
    writer.finish()?;
    let mut reader = files::open(&path)?;
    let mut block = Buffer::new(2, FRAMES);
    between_signals(|_| Ok(reader.read(&mut block.as_block_mut()).map(drop)?))
}
