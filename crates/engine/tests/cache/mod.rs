//! What the cache of finished strips must keep: the same bits with it and without, and no strip run that need not be.

use crate::support::*;
use audio::{Block, BlockRef, Buffer};
use dsp::{Address, Family, Kind, Param, Processor};
use engine::{GainReduction, Output, PREMASTER, RenderOptions, Sources, Tap, compile, render};
use session::{Insert, Session};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Strips that run, by the number in their insert.
static RAN: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];
/// One test at a time counts.
static COUNTING: Mutex<()> = Mutex::new(());

/// Leaves the sound as it is and counts the frames it is given.
static COUNTED: Kind = Kind {
    id: "counted",
    label: "Counted",
    family: Family::Level,
    help: "Counts.",
    revision: 1,
    params: &[Param { id: "number", label: "Number", help: "Which.", max: 7.0, ..Param::NUMBER }],
    groups: &[],
    key_input: false,
    impulse_response: false,
    keeps_mono: true,
    build: |values, _| Box::new(Counted(values.fields[0] as usize)),
    response: None,
};

struct Counted(usize);

impl Processor for Counted {
    fn reset(&mut self) {}
    fn set(&mut self, _: Address, _: f64) {}
    fn process(&mut self, block: &mut Block, _: Option<&BlockRef>) {
        RAN[self.0].fetch_add(block.frames(), Ordering::Relaxed);
    }
}

const NAMES: [&str; 7] = ["kick", "snare", "keys", "vox", "drums", "band", "plate"];

/// A song whose strips are all counted: kick and snare go to drums, drums and keys to the band, vox to the mix; vox and
/// snare are sent to a plate, and the keys are compressed by the kick.
fn song() -> (Session, Sources) {
    let (mut session, sources) = rich(30_000, |n, channels| noise(channels, 30_000, n as u64 + 1));
    for (number, name) in NAMES.into_iter().enumerate() {
        let mut counted = Insert::new("counted", &COUNTED);
        counted.values.fields[0] = number as f64;
        session.strip_mut(name).expect("a strip").inserts.push(counted);
    }
    let compressor = insert("compressor", &[("threshold_db", -30.0), ("ratio", 4.0)]);
    let ducked = Insert { key: Some("kick".into()), ..compressor.clone() };
    session.strip_mut("keys").expect("a track").inserts.push(ducked);
    session.strip_mut("drums").expect("a bus").inserts.push(compressor);
    (session, sources)
}

/// The mix and what its inserts did, and which strips ran for it.
fn rendered(
    session: &Session,
    sources: &Sources,
    options: &RenderOptions,
) -> (Buffer, Vec<GainReduction>, Vec<&'static str>) {
    let plan = compile(session, sources).expect("a plan");
    let mut planes = [Vec::new(), Vec::new()];
    let mut sink = |block: &BlockRef| {
        planes.iter_mut().zip(block.iter()).for_each(|(plane, samples)| plane.extend_from_slice(samples));
        Ok(())
    };
    RAN.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    let node = plan.node(PREMASTER).expect("the mix");
    let outputs = vec![Output { node, tap: Tap::Output, sink: Box::new(&mut sink) }];
    let reductions = render(&plan, sources, outputs, options).expect("a render");
    let ran = NAMES.into_iter().zip(&RAN).filter(|(_, count)| count.load(Ordering::Relaxed) > 0);
    (Buffer::from_channels(&planes), reductions, ran.map(|(name, _)| name).collect())
}

/// Each change, from the song as it was, and the strips that have to run for it.
type Change = (&'static str, fn(&mut Session), &'static [&'static str]);

const CHANGES: &[Change] = &[
    ("nothing", |_| {}, &[]),
    ("the fader of a track of its own", |s| s.strip_mut("vox").unwrap().fader_db -= 1.0, &["plate"]),
    ("the fader of the mix", |s| s.premaster.strip.fader_db -= 1.0, &[]),
    ("the fader of a bus", |s| s.strip_mut("band").unwrap().fader_db -= 1.0, &[]),
    (
        "the fader of a track in a bus in a bus",
        |s| s.strip_mut("kick").unwrap().fader_db -= 1.0,
        &["drums", "band"],
    ),
    ("a track", |s| s.strip_mut("vox").unwrap().trim_db -= 1.0, &["vox", "plate"]),
    ("a key", |s| s.strip_mut("kick").unwrap().trim_db -= 1.0, &["kick", "keys", "drums", "band"]),
    ("a bus", |s| s.strip_mut("drums").unwrap().trim_db -= 1.0, &["drums", "band"]),
    ("a return", |s| s.strip_mut("plate").unwrap().trim_db -= 1.0, &["plate"]),
    // An insert's latency moves everything else in the render, but not in the song.
    (
        "a latency",
        |s| s.strip_mut("kick").unwrap().inserts.push(late("more", 5_000)),
        &["kick", "keys", "drums", "band"],
    ),
    ("a mute", |s| s.strip_mut("keys").unwrap().mute = true, &["band"]),
];

#[test]
fn only_what_changed_runs_and_the_bits_are_those_without_a_cache() {
    let _counting = COUNTING.lock().expect("no panic");
    let (session, sources) = song();
    for (what, change, expected) in CHANGES {
        for (slab_frames, threads) in [(8192, 0), (1000, 1)] {
            let folder = tempfile::tempdir().expect("a folder");
            let plain = RenderOptions { slab_frames, threads, ..RenderOptions::default() };
            let cached = RenderOptions { cache: Some(folder.path()), ..plain };
            let (first, _, ran) = rendered(&session, &sources, &cached);
            assert_eq!(ran, NAMES, "the first render runs everything");
            let mut changed = session.clone();
            change(&mut changed);
            let (seen, reductions, ran) = rendered(&changed, &sources, &cached);
            assert_eq!(ran, *expected, "{what}");
            let (wanted, all_reductions, _) = rendered(&changed, &sources, &plain);
            assert!(seen == wanted, "{what}: other bits");
            assert_eq!(reductions, all_reductions, "{what}");
            assert!(reductions.iter().any(|r| r.strip == "track.keys"), "{what}: the keys are compressed");
            // And back: what was replaced is rendered anew.
            assert!(rendered(&session, &sources, &cached).0 == first, "{what}: and back");
        }
    }
}

/// A tail elsewhere makes the song longer; what is in the cache is then too short, and never taken for the whole.
#[test]
fn a_longer_song_is_rendered_to_its_end() {
    let _counting = COUNTING.lock().expect("no panic");
    let (mut session, sources) = song();
    let folder = tempfile::tempdir().expect("a folder");
    let cached = RenderOptions { cache: Some(folder.path()), ..RenderOptions::default() };
    let (first, ..) = rendered(&session, &sources, &cached);
    session.strip_mut("plate").expect("a return").inserts.push(insert("reverb", &[("decay_s", 1.0)]));
    let (seen, ..) = rendered(&session, &sources, &cached);
    assert!(seen.frames() > first.frames() + 24_000, "{} {}", seen.frames(), first.frames());
    assert!(seen == rendered(&session, &sources, &RenderOptions::default()).0);
}

#[test]
fn what_is_damaged_or_missing_is_rendered_again_and_what_is_old_goes() {
    let _counting = COUNTING.lock().expect("no panic");
    let (mut session, sources) = song();
    let folder = tempfile::tempdir().expect("a folder");
    let cached = RenderOptions { cache: Some(folder.path()), ..RenderOptions::default() };
    let files = || -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder.path()).expect("the cache");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    };
    let (reference, ..) = rendered(&session, &sources, &cached);
    let first = files();
    assert_eq!(first.len(), NAMES.len(), "one file per strip with inserts");
    for file in &first {
        std::fs::write(file, b"not a strip").expect("damage");
        let (seen, _, ran) = rendered(&session, &sources, &cached);
        assert!(seen == reference && !ran.is_empty(), "{ran:?}");
        // A strip that is gone runs again, and so does what hears it: nobody else knows what its inserts did.
        std::fs::remove_file(file).expect("a file");
        let (seen, _, ran) = rendered(&session, &sources, &cached);
        assert!(seen == reference && !ran.is_empty(), "{ran:?}");
        assert_eq!(files(), first);
    }
    session.strip_mut("vox").expect("a track").trim_db = -3.0;
    rendered(&session, &sources, &cached);
    let second = files();
    assert_eq!(second.iter().filter(|file| first.contains(file)).count(), NAMES.len() - 2, "vox and plate");
    assert_eq!(second.len(), NAMES.len(), "what is not needed any more is removed");
}

/// Outputs of single strips take nothing else along.
#[test]
fn a_strip_alone_runs_alone() {
    let _counting = COUNTING.lock().expect("no panic");
    let (session, sources) = song();
    let plan = compile(&session, &sources).expect("a plan");
    let folder = tempfile::tempdir().expect("a folder");
    let cached = RenderOptions { cache: Some(folder.path()), ..RenderOptions::default() };
    let reference = output(&plan, &sources, "bus.drums", &RenderOptions::default());
    for expected in [2 + 1, 0] {
        RAN.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        assert!(output(&plan, &sources, "bus.drums", &cached) == reference);
        assert_eq!(RAN.iter().filter(|count| count.load(Ordering::Relaxed) > 0).count(), expected);
    }
}
