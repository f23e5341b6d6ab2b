//! Writes the song's tracks into a folder as 32-bit float WAV, to listen to:
//! `cargo run -p tonmeister-demo --example write_song -- FOLDER SEED clean|faulty`.

use std::io::Write;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "demo-song".into()));
    let seed = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(7);
    let take = match arguments.next().as_deref() {
        Some("clean") => demo::Take::Clean,
        _ => demo::Take::Faulty,
    };
    std::fs::create_dir_all(&folder)?;
    let mut failed = None;
    let sheet = demo::each_track(seed, take, |track| {
        if let Err(error) = std::fs::write(folder.join(track.file_name), wav(&track)) {
            failed = Some(error);
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} at {} bpm: {:?}", sheet.title, sheet.tempo_bpm, sheet.sections)?;
    for fault in sheet.planted {
        writeln!(
            out,
            "{:2} {:18} {:20} {:9.2} {:6} {}",
            fault.step, fault.track, fault.fault, fault.amount, fault.unit, fault.what
        )?;
    }
    Ok(())
}

/// A minimal RIFF file: format chunk (type 3, IEEE float) and data chunk.
fn wav(track: &demo::Track) -> Vec<u8> {
    let (channels, frames) = (track.audio.channels(), track.audio.frames());
    let data_bytes = (channels * frames * 4) as u32;
    let mut bytes = Vec::with_capacity(data_bytes as usize + 44);
    bytes.extend(b"RIFF");
    bytes.extend((36 + data_bytes).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(3u16.to_le_bytes());
    bytes.extend((channels as u16).to_le_bytes());
    bytes.extend(track.sample_rate_hz.to_le_bytes());
    bytes.extend((track.sample_rate_hz * channels as u32 * 4).to_le_bytes());
    bytes.extend((channels as u16 * 4).to_le_bytes());
    bytes.extend(32u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    for frame in 0..frames {
        for channel in 0..channels {
            bytes.extend((track.audio.channel(channel)[frame] as f32).to_le_bytes());
        }
    }
    bytes
}
