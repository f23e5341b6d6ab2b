//! The song as a whole: the same from the same seed, and shaped as its sheet says.

use demo::{Song, clean_song, song};

/// Two numbers that any changed sample changes: enough to compare songs without holding two.
fn fingerprint(song: &Song) -> Vec<u64> {
    let mut prints = Vec::new();
    for track in &song.tracks {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for channel in 0..track.audio.channels() {
            for x in track.audio.channel(channel) {
                hash = (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        prints.push(hash);
    }
    prints
}

#[test]
fn the_same_seed_gives_the_same_samples_and_another_seed_does_not() {
    let first = song(3);
    let (prints, planted) = (fingerprint(&first), first.planted.clone());
    drop(first);
    let again = song(3);
    assert_eq!(prints, fingerprint(&again));
    assert_eq!(planted, again.planted);
    drop(again);
    let other = song(4);
    for (index, (a, b)) in prints.iter().zip(fingerprint(&other)).enumerate() {
        assert_ne!(*a, b, "{} is the same for seeds 3 and 4", other.tracks[index].file_name);
    }
}

#[test]
fn a_song_is_about_forty_seconds_of_eighteen_tracks() {
    let song = clean_song(1);
    assert_eq!(song.tracks.len(), 18);
    let last_section_s = song.sections.last().map_or(0.0, |section| section.1);
    for track in &song.tracks {
        let seconds = track.audio.frames() as f64 / f64::from(track.sample_rate_hz);
        assert!((38.0..46.0).contains(&seconds), "{}: {seconds} s", track.file_name);
        assert!(seconds > last_section_s);
        assert!(track.file_name.ends_with(".wav"));
    }
}
