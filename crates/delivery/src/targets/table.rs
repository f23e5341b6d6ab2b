//! The rows. Their order is the order people see: what most people need first.
//!
//! Figures of services move. Each row carries its source, how sure it is and the month in which it was put down;
//! a figure that is required is one that a destination may refuse a file for. No music service refuses a file for
//! its loudness: there it says how the file will be played.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::{Container, Depth, Force, Mark, Target};

use Container::{Aac, Aiff, Alac, Flac, Mp3, OggVorbis, Opus, Wav};
use Depth::{Float32, Int16, Int24, Int32};

/// The month of every figure here.
const AS_OF: Cow<'static, str> = Cow::Borrowed("2026-11");

/// The rates that distributors of music take.
const MUSIC_RATES: Cow<'static, [u32]> = Cow::Borrowed(&[44_100, 48_000, 88_200, 96_000, 176_400, 192_000]);

const STEREO: Cow<'static, [usize]> = Cow::Borrowed(&[2]);
const MONO_OR_STEREO: Cow<'static, [usize]> = Cow::Borrowed(&[1, 2]);

const fn text(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

/// What the rows have in common: stereo music for a distributor.
const MUSIC: Target = Target {
    id: text(""),
    label: text(""),
    about: text(""),
    integrated_lufs: Some(-14.0),
    mono_integrated_lufs: None,
    tolerance_lu: 0.1,
    loudness: Force::Advised,
    max_short_term_lufs: None,
    rms_dbfs: None,
    max_noise_floor_dbfs: None,
    ceiling_dbtp: -1.0,
    true_peak: Force::Required,
    max_sample_peak_dbfs: None,
    sample_rates_hz: MUSIC_RATES,
    preferred_rate_hz: None,
    depths: Cow::Borrowed(&[Int24, Int16]),
    containers: Cow::Borrowed(&[Wav, Flac]),
    channels: STEREO,
    native_only: false,
    duration_s: None,
    min_bit_rate_kbps: None,
    constant_bit_rate: false,
    pause_start_s: None,
    pause_end_s: None,
    one_layout: false,
    service: false,
    min_correlation: None,
    mono_below_hz: None,
    source: text(""),
    mark: Mark::Unverified,
    as_of: AS_OF,
    notes: text(""),
};

/// Every target, in the order in which people see them.
pub static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(rows);

fn rows() -> Vec<Target> {
    vec![
        Target {
            id: text("streaming"),
            label: text("Music streaming"),
            about: text("One master for every music service, at the loudness at which most of them play."),
            source: text(
                "AES TD1008 (2021) for -1 dBTP; Spotify's page for -14 LUFS; distributors for the formats",
            ),
            mark: Mark::Trade,
            notes: text(
                "A level is a fact of playback, not a rule: no music service refuses a louder or quieter file. A \
             loud master that will be lossy-coded is safer at -2 dBTP.",
            ),
            ..MUSIC
        },
        Target {
            id: text("cd"),
            label: text("Audio CD"),
            about: text("44.1 kHz, 16 bit, stereo, for a CD (Red Book, IEC 60908)."),
            integrated_lufs: None,
            true_peak: Force::Advised,
            sample_rates_hz: Cow::Borrowed(&[44_100]),
            preferred_rate_hz: Some(44_100),
            depths: Cow::Borrowed(&[Int16]),
            containers: Cow::Borrowed(&[Wav, Flac, Aiff]),
            duration_s: Some([4.0, 4_797.0]),
            source: text("Pages of pressing plants on the Red Book"),
            mark: Mark::Trade,
            notes: text(
                "The Red Book has no limit of true peak and no loudness: the ceiling here keeps converters and \
             later encoders from clipping. A track lasts at least 4 s, a disc 79:57 (74 min are safe).",
            ),
            ..MUSIC
        },
        Target {
            id: text("premaster"),
            label: text("Pre-master"),
            about: text("A mix for a mastering engineer: unclipped, with headroom, at the session's rate."),
            integrated_lufs: None,
            true_peak: Force::Advised,
            depths: Cow::Borrowed(&[Float32, Int24, Int32]),
            containers: Cow::Borrowed(&[Wav, Aiff]),
            source: text("Practice of mastering houses"),
            mark: Mark::Trade,
            notes: text(
                "Peaks of -3 to -6 dBFS are a courtesy: a floating point file loses nothing at any level. No limiter, \
             and no dither for floating point.",
            ),
            ..MUSIC
        },
        Target {
            id: text("ebu_r128"),
            label: text("Broadcast, EBU R 128"),
            about: text("Programmes for European radio and television."),
            integrated_lufs: Some(-23.0),
            tolerance_lu: 0.5,
            loudness: Force::Required,
            sample_rates_hz: Cow::Borrowed(&[]),
            preferred_rate_hz: Some(48_000),
            depths: Cow::Borrowed(&[Int24, Int16]),
            channels: MONO_OR_STEREO,
            source: text("EBU R 128"),
            mark: Mark::Standard,
            notes: text(
                "-2 dBTP where MPEG-1 layer II or AC-3 follows. R 128 states no sample rate: 48 kHz and 24 bit are \
             the custom of the house.",
            ),
            ..MUSIC
        },
        Target {
            id: text("ebu_r128_s1"),
            label: text("Adverts and promos, EBU R 128 s1"),
            about: text("Short-form items of less than a minute for European broadcast."),
            integrated_lufs: Some(-23.0),
            tolerance_lu: 0.5,
            loudness: Force::Required,
            max_short_term_lufs: Some(-18.0),
            sample_rates_hz: Cow::Borrowed(&[]),
            preferred_rate_hz: Some(48_000),
            depths: Cow::Borrowed(&[Int24, Int16]),
            channels: MONO_OR_STEREO,
            duration_s: Some([0.0, 60.0]),
            source: text("EBU R 128 s1"),
            mark: Mark::Standard,
            notes: text("The loudness range is not used for items this short."),
            ..MUSIC
        },
        Target {
            id: text("atsc_a85"),
            label: text("Broadcast, ATSC A/85"),
            about: text("Programmes for television in the USA."),
            integrated_lufs: Some(-24.0),
            tolerance_lu: 2.0,
            loudness: Force::Required,
            ceiling_dbtp: -2.0,
            sample_rates_hz: Cow::Borrowed(&[]),
            preferred_rate_hz: Some(48_000),
            channels: MONO_OR_STEREO,
            source: text("ATSC A/85"),
            notes: text(
                "Long-form programmes are measured on their dialogue, which is not separated here; the figure is \
             that of the whole.",
            ),
            ..MUSIC
        },
        Target {
            id: text("podcast"),
            label: text("Podcast"),
            about: text("Spoken word for podcast hosts."),
            integrated_lufs: Some(-16.0),
            mono_integrated_lufs: Some(-19.0),
            tolerance_lu: 1.0,
            sample_rates_hz: Cow::Borrowed(&[44_100, 48_000]),
            depths: Cow::Borrowed(&[Int16, Int24]),
            containers: Cow::Borrowed(&[Wav, Flac, Mp3, Aac, Opus]),
            channels: MONO_OR_STEREO,
            source: text("Pages of podcast hosts"),
            notes: text(
                "One channel at -19 LUFS plays as loud as -16 on two loudspeakers. AES TD1008 anchors speech at -18; \
             one large service plays podcasts at -14.",
            ),
            ..MUSIC
        },
        Target {
            id: text("acx"),
            label: text("Audiobook, ACX"),
            about: text("One chapter of an audiobook for ACX, as MP3 or before it is made one."),
            integrated_lufs: None,
            rms_dbfs: Some([-23.0, -18.0]),
            max_noise_floor_dbfs: Some(-60.0),
            ceiling_dbtp: -3.0,
            true_peak: Force::Advised,
            max_sample_peak_dbfs: Some(-3.0),
            sample_rates_hz: Cow::Borrowed(&[44_100]),
            preferred_rate_hz: Some(44_100),
            depths: Cow::Borrowed(&[Int16, Int24]),
            containers: Cow::Borrowed(&[Wav, Flac, Mp3]),
            channels: MONO_OR_STEREO,
            duration_s: Some([0.0, 7_200.0]),
            min_bit_rate_kbps: Some(192),
            constant_bit_rate: true,
            pause_start_s: Some([0.5, 1.0]),
            pause_end_s: Some([1.0, 5.0]),
            one_layout: true,
            source: text("Pages on ACX's submission rules"),
            mark: Mark::Trade,
            notes: text(
                "The level is plain RMS, not LUFS. ACX takes MP3 with 192 kbit/s or more, all files mono or all \
             stereo, each with 0.5 to 1 s of room tone before and 1 to 5 s after.",
            ),
            ..MUSIC
        },
        Target {
            id: text("vinyl"),
            label: text("Vinyl pre-master"),
            about: text("A side or its tracks for the cutting engineer."),
            integrated_lufs: Some(-12.0),
            tolerance_lu: 2.0,
            ceiling_dbtp: -0.1,
            true_peak: Force::Advised,
            depths: Cow::Borrowed(&[Int24]),
            containers: Cow::Borrowed(&[Wav, Aiff]),
            duration_s: Some([0.0, 1_380.0]),
            min_correlation: Some(0.5),
            mono_below_hz: Some(250.0),
            source: text("Pages of pressing plants"),
            mark: Mark::Trade,
            notes: text(
                "Plants differ: bass in phase below 150 to 300 Hz, the side signal 6 to 9 dB under the middle, no \
             clipping and no brick-wall limiting, loud bright songs early on the side. A 12-inch side at 33 holds \
             19:30 at full level, 23 min at most.",
            ),
            ..MUSIC
        },
        Target {
            id: text("film_stems"),
            label: text("Film stems"),
            about: text("Dialogue, music or effects for a re-recording mixer, at the mix's own level."),
            integrated_lufs: None,
            true_peak: Force::Advised,
            sample_rates_hz: Cow::Borrowed(&[48_000, 96_000]),
            preferred_rate_hz: Some(48_000),
            depths: Cow::Borrowed(&[Int24, Float32]),
            containers: Cow::Borrowed(&[Wav]),
            channels: MONO_OR_STEREO,
            source: text("Practice of dubbing stages"),
            notes: text(
                "A stem has no loudness of its own: all of them together have that of the mix, so none is changed by \
                 itself. Broadcast WAVE at 48 kHz, all stems of one length and with one start. Cinema is set by a \
                 calibrated room, not by LUFS.",
            ),
            ..MUSIC
        },
        Target {
            id: text("game_stems"),
            label: text("Game stems and loops"),
            about: text("Music and sounds that an engine mixes while it is played."),
            integrated_lufs: None,
            true_peak: Force::Advised,
            sample_rates_hz: Cow::Borrowed(&[44_100, 48_000]),
            preferred_rate_hz: Some(48_000),
            depths: Cow::Borrowed(&[Int24, Int16]),
            containers: Cow::Borrowed(&[Wav, OggVorbis, Opus]),
            channels: MONO_OR_STEREO,
            source: text("Practice of game audio"),
            notes: text(
                "The engine sums them: leave headroom, and keep all layers of a piece at one length to the frame. The \
                 loudness of the whole game is another figure (-24 LUFS on consoles, -18 on portable devices, \
                 ASWG-R001), measured on what is played.",
            ),
            ..MUSIC
        },
        Target {
            id: text("club"),
            label: text("DJ and club"),
            about: text(
                "A track for DJs: played beside others at full level, on large systems, often in mono.",
            ),
            integrated_lufs: Some(-9.0),
            tolerance_lu: 2.0,
            true_peak: Force::Advised,
            sample_rates_hz: Cow::Borrowed(&[44_100, 48_000]),
            depths: Cow::Borrowed(&[Int16, Int24]),
            containers: Cow::Borrowed(&[Wav, Aiff, Flac, Mp3]),
            min_bit_rate_kbps: Some(320),
            min_correlation: Some(0.2),
            mono_below_hz: Some(120.0),
            source: text("Pages of shops for DJs, and club practice"),
            notes: text(
                "Nobody levels here but the DJ: the loudness is that of the neighbours in the set. Players refuse high \
                 rates, and a system that sums its lows loses bass that is out of phase.",
            ),
            ..MUSIC
        },
        Target {
            id: text("listening"),
            label: text("Listening copies"),
            about: text("Copies to send around and to play: for telephones, the web and friends."),
            integrated_lufs: None,
            depths: Cow::Borrowed(&[Int16, Int24]),
            containers: Cow::Borrowed(&[Opus, Mp3, Aac, OggVorbis, Alac, Flac, Wav, Aiff]),
            channels: MONO_OR_STEREO,
            source: text("AES TD1008 (2021) for -1 dBTP"),
            mark: Mark::Trade,
            notes: text(
                "True peak is kept after decoding: a file that its codec lifts above the ceiling is made again, lower.",
            ),
            ..MUSIC
        },
        Target {
            id: text("spotify"),
            label: text("Spotify"),
            about: text("The level at which Spotify plays by default."),
            service: true,
            source: text("Spotify's page for artists; formats are a distributor's"),
            notes: text("Louder than -14 LUFS: Spotify advises -2 dBTP."),
            ..MUSIC
        },
        Target {
            id: text("apple_music"),
            label: text("Apple Music"),
            about: text("The level at which Sound Check plays."),
            service: true,
            integrated_lufs: Some(-16.0),
            source: text("Trade pages on Sound Check"),
            notes: text("About -16 LUFS, not -14 as often written."),
            ..MUSIC
        },
        Target {
            id: text("apple_digital_masters"),
            label: text("Apple Digital Masters"),
            about: text("24-bit masters at their own rate, from certified mastering houses."),
            integrated_lufs: None,
            true_peak: Force::Advised,
            depths: Cow::Borrowed(&[Int24]),
            containers: Cow::Borrowed(&[Wav, Aiff]),
            native_only: true,
            source: text("Trade pages on Apple's guide"),
            mark: Mark::Trade,
            notes: text(
                "No upsampling and no padding of bits; 96 kHz is best where the session has it. 1 dB of headroom \
             is advised, not imposed; listen to the AAC for clipping.",
            ),
            ..MUSIC
        },
        Target {
            id: text("youtube"),
            label: text("YouTube"),
            about: text("The level above which YouTube turns down."),
            service: true,
            source: text("Trade pages"),
            mark: Mark::Trade,
            notes: text("Quieter items are not turned up."),
            ..MUSIC
        },
        Target {
            id: text("tidal"),
            label: text("TIDAL"),
            about: text("The level of the loudest track of an album."),
            service: true,
            source: text("Trade pages"),
            notes: text("The album is turned as a whole, so a quiet track may play lower."),
            ..MUSIC
        },
        Target {
            id: text("amazon"),
            label: text("Amazon Music"),
            about: text("The level at which Amazon Music plays."),
            service: true,
            ceiling_dbtp: -2.0,
            true_peak: Force::Advised,
            source: text("Common knowledge"),
            notes: text("Asks for -2 dBTP, and refuses nothing above it."),
            ..MUSIC
        },
        Target {
            id: text("deezer"),
            label: text("Deezer"),
            about: text("The level at which Deezer plays."),
            service: true,
            integrated_lufs: Some(-15.0),
            source: text("Common knowledge"),
            ..MUSIC
        },
        Target {
            id: text("soundcloud"),
            label: text("SoundCloud"),
            about: text("The level at which SoundCloud's player plays."),
            service: true,
            source: text("Common knowledge"),
            ..MUSIC
        },
        Target {
            id: text("qobuz"),
            label: text("Qobuz"),
            about: text("Lossless streams and downloads."),
            service: true,
            integrated_lufs: None,
            source: text("Common knowledge"),
            notes: text("Normalisation is off unless the listener turns it on: the master plays as it is."),
            ..MUSIC
        },
    ]
}
