#![allow(clippy::print_stdout, missing_docs)]
use files::*; use audio::Buffer;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    for (t, e) in [(FileType::Wav, "wav"), (FileType::Aiff, "aiff"), (FileType::Flac, "flac")] {
        for f in [SampleFormat::Int8, SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Int32, SampleFormat::Float32, SampleFormat::Float64] {
            for ch in [1usize, 2, 3, 6] { for frames in [48001usize, 48000] {
                let spec = WriteSpec { file_type: t, sample_format: f, sample_rate_hz: 44100, channels: ch };
                let Ok(mut w) = Writer::create(format!("{dir}/{f:?}_{ch}_{frames}.{e}"), spec) else { continue };
                let mut b = Buffer::new(ch, frames);
                let mut x = 99u32;
                for c in 0..ch { for n in 0..frames { x ^= x << 13; x ^= x >> 17; x ^= x << 5; b.channel_mut(c)[n] = (x >> 8) as f64 / 16777216.0 - 0.5; } }
                w.write_f64(&b.as_block()).unwrap(); w.finish().unwrap();
            } }
        }
    }
    if std::env::args().nth(2).is_some() {
        let spec = WriteSpec { file_type: FileType::Wav, sample_format: SampleFormat::Int24, sample_rate_hz: 48000, channels: 2 };
        let t = std::time::Instant::now();
        let mut w = Writer::create(format!("{dir}/big.wav"), spec).unwrap();
        let b = Buffer::from_channels(&[vec![0.25; 480000], vec![-0.25; 480000]]);
        for _ in 0..1600 { w.write_f64(&b.as_block()).unwrap(); }
        let w = w.finish().unwrap();
        println!("{w:?} {:?}", t.elapsed());
    }
}
