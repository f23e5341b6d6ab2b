//! Decoders that panic, wherever they do.

use super::*;

/// Where a source panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Nowhere,
    Read,
    Seek,
    Notes,
    Drop,
}

struct Fragile(At);

impl Fragile {
    fn step(&self, at: At) {
        assert!(self.0 != at, "broken at {at:?}");
    }
}

impl Source for Fragile {
    fn read(&mut self, block: &mut Block) -> Result<Frames, FileError> {
        self.step(At::Read);
        block.clear();
        Ok(block.frames())
    }

    fn seek(&mut self, _: u64) -> Result<(), FileError> {
        self.step(At::Seek);
        Ok(())
    }

    fn take_notes(&mut self) -> Vec<Note> {
        self.step(At::Notes);
        Vec::new()
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.step(At::Drop);
    }
}

fn reader(at: At) -> Reader {
    let info = Info {
        format: Format::Wav,
        encoding: Encoding::Integer { bits: 16 },
        sample_rate_hz: 48_000,
        channels: 1,
        channel_mask: None,
        frames: 48_000,
        broadcast: crate::Broadcast::default(),
        notes: Vec::new(),
    };
    let source: Box<dyn Source> = Box::new(Fragile(at));
    Reader { path: "song.wav".into(), info, source: Some(source), position: 0, seen: 0 }
}

// Finds a call into a decoder that is not guarded: the panic would fail this test by itself.
#[test]
fn a_panic_of_a_decoder_is_a_damaged_file() {
    silence_decoder_panics();
    for at in [At::Nowhere, At::Read, At::Seek, At::Notes, At::Drop] {
        let mut reader = reader(at);
        let mut block = Buffer::new(1, 480);
        let sought = reader.seek(24_000);
        let read = reader.read(&mut block.as_block_mut());
        let broken = |result: Result<(), FileError>, place: &str| {
            let said = result.unwrap_err().to_string();
            assert!(
                said.contains("song.wav") && said.contains("gave up") && said.contains(place),
                "{at:?}: {said}"
            );
        };
        match at {
            At::Nowhere | At::Drop => {
                assert_eq!((sought.is_ok(), read.unwrap()), (true, 480), "{at:?}");
            }
            At::Seek => {
                broken(sought, "0.000 s");
                broken(read.map(drop), "earlier");
            }
            At::Read | At::Notes => {
                assert!(sought.is_ok());
                broken(read.map(drop), "0.500 s");
                broken(reader.seek(0), "earlier");
            }
        }
        drop(reader);
    }
}
