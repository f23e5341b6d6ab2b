//! Mixes as they were rendered, judged by the test's own arithmetic: the lead is heard in every section, one sound on two
//! channels stands at a side, and what the steps quoted can be found in the audio.

use crate::support::*;
use audio::{Buffer, gain_to_db};
use ebur128::{EbuR128, Mode};
use files::SampleFormat;
use realfft::RealFftPlanner;
use session::Session;
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::OnceLock;
use workflow::{Decision, Part, PlanRequest, Project, plan, render};

const RATE_HZ: u32 = 48_000;
const LENGTH_S: f64 = 12.0;
/// The verse, and the chorus in which everybody else is louder.
const SECTIONS_S: [(f64, f64); 2] = [(0.0, 6.0), (6.0, 12.0)];

fn made(at: impl FnMut(f64) -> f64) -> Vec<f64> {
    (0..(LENGTH_S * f64::from(RATE_HZ)) as usize).map(|n| n as f64 / f64::from(RATE_HZ)).map(at).collect()
}

/// Noise between two frequencies: sixty sines.
fn band(time_s: f64, low_hz: f64, high_hz: f64, seed: f64) -> f64 {
    let sine = |n: usize| {
        let hz = low_hz * (high_hz / low_hz).powf((n as f64 * 0.618_034 + seed).fract());
        (TAU * hz * time_s + seed * 7.0 * n as f64).sin()
    };
    (0..60).map(sine).sum::<f64>() / 30f64.sqrt()
}

fn sings(time_s: f64) -> bool {
    time_s.rem_euclid(2.5) < 1.9
}

/// Harmonics up to 4 kHz, with vibrato.
fn voice(time_s: f64) -> f64 {
    let turn = TAU * 262.0 * time_s + 2.0 * (TAU * 5.5 * time_s).sin();
    (1..15).map(|n| (turn * f64::from(n)).sin() / f64::from(n)).sum()
}

struct Song {
    _folder: tempfile::TempDir,
    session: Session,
    decisions: Vec<Decision>,
    lead: Vec<f64>,
    bass: Vec<f64>,
    pad: [Vec<f64>; 2],
    keys: [Vec<f64>; 2],
    out: std::path::PathBuf,
}

/// Records the song: the lead far too low, a bass that plays softly and loudly and has no overtones, two accompanists in
/// stereo files that hold one sound each, a narrow pad, keys whose channels work against each other.
fn song() -> &'static Song {
    static SONG: OnceLock<Song> = OnceLock::new();
    SONG.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let chorus = |t: f64| if t < SECTIONS_S[1].0 { 0.5 } else { 1.4 };
        let put = |name: &str, channels: &[Vec<f64>]| {
            write(&folder.path().join(name), RATE_HZ, SampleFormat::Float32, channels);
        };
        let kick = |t: f64| {
            let since = t.rem_euclid(0.5);
            0.6 * (TAU * 55.0 * since).sin() * (-since / 0.12).exp() * (since * 1_000.0).min(1.0)
        };
        put("01 Kick.wav", &[made(kick)]);
        let bass = made(|t| {
            let loud = if (t as usize).is_multiple_of(2) { 0.4 } else { 0.12 };
            let since = t.rem_euclid(1.0);
            loud * (TAU * 61.0 * t).sin() * (since * 200.0).min(1.0).min((1.0 - since) * 200.0)
        });
        put("02 Bass DI.wav", std::slice::from_ref(&bass));
        let guitar = made(|t| 0.12 * chorus(t) * band(t, 200.0, 9_000.0, 0.17));
        put("03 Electric Guitar.wav", &[guitar.clone(), guitar]);
        let organ = made(|t| 0.1 * chorus(t) * band(t, 250.0, 4_000.0, 0.71));
        put("04 Organ.wav", &[organ.clone(), organ]);
        let (middle, side) = (
            made(|t| 0.08 * chorus(t) * band(t, 200.0, 3_000.0, 0.31)),
            made(|t| 0.008 * chorus(t) * band(t, 200.0, 3_000.0, 0.53)),
        );
        let pair = |m: &[f64], s: &[f64]| {
            [m.iter().zip(s).map(|(m, s)| m + s).collect(), m.iter().zip(s).map(|(m, s)| m - s).collect()]
        };
        let pad: [Vec<f64>; 2] = pair(&middle, &side);
        put("05 Synth Pad.wav", &pad);
        // The side 4 dB above the middle: correlation -0.43.
        let (a, b) =
            (made(|t| 0.06 * band(t, 300.0, 3_000.0, 0.11)), made(|t| 0.038 * band(t, 300.0, 3_000.0, 0.89)));
        let keys = pair(&b, &a);
        put("06 Keys.wav", &keys);
        // Feet on the boards: noise from 32 to 70 Hz while it sings.
        let lead =
            made(|t| f64::from(u8::from(sings(t))) * (0.012 * voice(t) + 0.0015 * band(t, 32.0, 70.0, 0.41)));
        put("07 Lead Vox.wav", std::slice::from_ref(&lead));

        let project = Project::new(folder.path(), None).expect("a project");
        let planned = plan(&project, &PlanRequest::default(), &context(0)).expect("a plan");
        let parts = [Part::Premaster, Part::Stems, Part::Tracks];
        render(&project, &parts, false, false, &context(0)).expect("a render");
        let out = folder.path().join("out");
        let (session, decisions) = (planned.session, planned.decisions);
        Song { _folder: folder, session, decisions, lead, bass, pad, keys, out }
    })
}

impl Song {
    /// The evidence of this name of the first decision about this path.
    fn quoted(&self, path: &str, name: &str) -> f64 {
        let about: Vec<&Decision> =
            self.decisions.iter().filter(|d| d.change.path().to_string() == path).collect();
        let found = about.iter().flat_map(|d| &d.evidence).find(|e| e.name == name);
        found.unwrap_or_else(|| panic!("nothing says `{name}` about {path}: {about:#?}")).value
    }

    fn read(&self, name: impl AsRef<Path>) -> Buffer {
        read(&self.out.join(name))
    }

    /// What the lead adds to the pre-master, by its bus if nobody else is on that, and all the rest.
    fn lead_and_rest(&self) -> (Buffer, Buffer) {
        let track = &self.session.tracks["lead_vox"];
        let alone =
            |bus: &str| self.session.tracks.values().filter(|t| t.bus.as_deref() == Some(bus)).count() == 1;
        let stem = match track.bus.as_deref() {
            Some(bus) => {
                assert!(alone(bus), "the lead shares its bus");
                format!("stems/bus.{bus}.wav")
            }
            None => "stems/track.lead_vox.wav".to_string(),
        };
        let lead = self.read(stem);
        let mut rest = self.read("premaster.wav");
        for c in 0..2 {
            rest.channel_mut(c).iter_mut().zip(lead.channel(c)).for_each(|(sum, own)| *sum -= own);
        }
        (lead, rest)
    }
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64
}

fn db(power: f64) -> f64 {
    10.0 * power.max(1e-30).log10()
}

/// Energy of a window by frequency, both channels together: hertz and power.
fn spectrum(channels: &[&[f64]]) -> Vec<(f64, f64)> {
    let length = channels[0].len();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(length);
    let mut sums = vec![0.0; length / 2 + 1];
    for channel in channels {
        let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos();
        let mut input: Vec<f64> = channel.iter().enumerate().map(|(n, x)| hann(n) * x).collect();
        let mut bins = fft.make_output_vec();
        fft.process(&mut input, &mut bins).expect("lengths fit");
        sums.iter_mut().zip(&bins).for_each(|(sum, bin)| *sum += bin.norm_sqr());
    }
    let hz = |n: usize| n as f64 * f64::from(RATE_HZ) / length as f64;
    sums.into_iter().enumerate().map(|(n, power)| (hz(n), power)).collect()
}

/// Power in bands as wide as the ear's (Glasberg & Moore, *Derivation of auditory filter shapes from notched-noise data*,
/// 1990: the ERB-number scale), from 100 Hz to 8 kHz.
fn ear_bands(channels: &[&[f64]]) -> Vec<f64> {
    let number = |hz: f64| 21.4 * (1.0 + 0.00437 * hz).log10();
    let (first, last) = (number(100.0), number(8_000.0));
    let mut bands = vec![0.0; (last - first) as usize];
    for (hz, power) in spectrum(channels) {
        let place = number(hz) - first;
        if place >= 0.0 && (place as usize) < bands.len() {
            bands[place as usize] += power;
        }
    }
    bands
}

/// Share of the windows of 50 ms in which the lead sings where it lies no more than so far under all the rest in some three
/// neighbouring bands of the ear together.
fn heard_share(lead: &Buffer, rest: &Buffer, (from_s, to_s): (f64, f64), under_db: f64) -> f64 {
    let length = RATE_HZ as usize / 20;
    let (mut sung, mut heard) = (0, 0);
    let mut at = (from_s * f64::from(RATE_HZ)) as usize;
    while at + length <= (to_s * f64::from(RATE_HZ)) as usize {
        let time_s = at as f64 / f64::from(RATE_HZ);
        // Not the edges of phrases.
        if sings(time_s - 0.1) && sings(time_s + 0.15) {
            let window = |buffer: &Buffer| {
                ear_bands(&[&buffer.channel(0)[at..at + length], &buffer.channel(1)[at..at + length]])
            };
            let (own, others) = (window(lead), window(rest));
            let mut threes = own.windows(3).zip(others.windows(3));
            let sum = |three: &[f64]| three.iter().sum::<f64>();
            sung += 1;
            heard += usize::from(threes.any(|(own, others)| db(sum(own)) >= db(sum(others)) - under_db));
        }
        at += length;
    }
    assert!(sung > 50, "{sung} windows");
    f64::from(heard as u32) / f64::from(sung)
}

#[test]
fn the_lead_is_heard_in_every_section_of_the_rendered_mix() {
    let song = song();
    let (lead, rest) = song.lead_and_rest();
    // As recorded it is not heard: the test can see a lead that drowns.
    let recorded = Buffer::from_channels(&[song.lead.clone(), song.lead.clone()]);
    let mut others = vec![0.0; song.lead.len()];
    for name in ["03 Electric Guitar.wav", "04 Organ.wav", "05 Synth Pad.wav", "06 Keys.wav"] {
        let track = read(&song._folder.path().join(name));
        others.iter_mut().zip(track.channel(0)).for_each(|(sum, x)| *sum += x);
    }
    let others = Buffer::from_channels(&[others.clone(), others]);
    let drowned = heard_share(&recorded, &others, SECTIONS_S[1], 6.0);
    assert!(drowned < 0.3, "{drowned}");
    for section in SECTIONS_S {
        // A part is heard where such a triple lies at most 6 dB under the others for 30 % of the time it plays; a lead
        // nearly always, and nowhere under them.
        let share = heard_share(&lead, &rest, section, 0.0);
        assert!(share > 0.8, "{section:?}: {share}");
    }
}

#[test]
fn one_sound_in_a_stereo_file_stands_at_its_side_and_the_mix_in_the_middle() {
    let song = song();
    let lean_db = |buffer: &Buffer| db(power(buffer.channel(1))) - db(power(buffer.channel(0)));
    let leans: Vec<f64> = ["electric_guitar", "organ"]
        .iter()
        .map(|id| {
            let track = song.read(format!("tracks/{id}.wav"));
            let pan = song.session.tracks[*id].pan;
            let lean = lean_db(&track);
            // The law of stereo files: the far channel falls as sqrt(2) cos.
            let angle = (1.0 + pan.abs() / 100.0) * std::f64::consts::FRAC_PI_4;
            let law = -gain_to_db(2f64.sqrt() * angle.cos()) * pan.signum();
            assert!(pan != 0.0 && (lean - law).abs() < 0.01, "{id}: {pan} {lean} {law}");
            lean
        })
        .collect();
    assert!(leans[0] * leans[1] < 0.0, "they stand opposite: {leans:?}");
    let mix = song.read("premaster.wav");
    let side = |c: usize| {
        let mut meter = EbuR128::new(1, RATE_HZ, Mode::I).expect("a meter");
        meter.add_frames_f64(mix.channel(c)).expect("frames");
        meter.loudness_global().expect("loudness")
    };
    let lean = side(1) - side(0);
    assert!(lean.abs() < 0.5, "right against left {lean:+.2} LU");
}

#[test]
fn the_static_mix_quotes_the_side_of_a_narrow_recording() {
    let song = song();
    let sums = song.pad[0].iter().zip(&song.pad[1]);
    let (middle, side) = sums.fold((0.0, 0.0), |(m, s), (l, r)| (m + (l + r).powi(2), s + (l - r).powi(2)));
    let quoted = song.quoted("track.synth_pad.insert.wide", "side against middle");
    assert!((quoted - db(side / middle)).abs() < 0.2, "{quoted} {}", db(side / middle));
}

#[test]
fn the_equaliser_quotes_what_lies_below_its_high_pass() {
    let song = song();
    let eq = song.session.tracks["lead_vox"].insert("eq").expect("an equaliser");
    let bands = dsp::processors::eq::Settings::from_values(&eq.values).bands;
    let high_pass =
        bands.iter().find(|b| b.r#type == dsp::processors::eq::Shape::HighPass).expect("a high-pass");
    assert!((70.0..200.0).contains(&high_pass.freq_hz), "above the feet, below the voice: {high_pass:?}");
    // In one window over all of it, as energy.
    let whole = spectrum(&[&song.lead]);
    let below: f64 = whole.iter().filter(|(hz, _)| *hz < high_pass.freq_hz).map(|(_, p)| p).sum();
    let all: f64 = whole.iter().map(|(_, p)| p).sum();
    let path = song.decisions.iter().find(|d| {
        d.evidence.iter().any(|e| e.name == "energy below")
            && d.change.path().to_string().starts_with("track.lead_vox.")
    });
    let quoted =
        song.quoted(&path.expect("it says what lies below").change.path().to_string(), "energy below");
    // Third octaves leak into each other by some tenths of a decibel of what they hold.
    assert!((quoted - db(below / all)).abs() < 1.0, "{quoted} {}", db(below / all));
}

#[test]
fn the_compressor_quotes_the_spread_of_momentary_loudness() {
    let song = song();
    let mut meter = EbuR128::new(1, RATE_HZ, Mode::M).expect("a meter");
    let mut momentary: Vec<f64> = Vec::new();
    for tenth in song.bass.chunks(RATE_HZ as usize / 10) {
        meter.add_frames_f64(tenth).expect("frames");
        momentary.push(meter.loudness_momentary().expect("loudness"));
    }
    // From the first whole window on.
    let mut momentary = momentary.split_off(4);
    momentary.sort_by(f64::total_cmp);
    let at = |share: f64| momentary[(share * momentary.len() as f64) as usize];
    let spread = at(0.95) - at(0.10);
    let quoted = song.quoted("track.bass_di.insert.comp", "spread of loudness before");
    // The repairs before it change a tenth or two, and where windows begin as much again.
    assert!((quoted - spread).abs() < 0.7, "{quoted} {spread}");
}

#[test]
fn the_send_quotes_what_the_returns_cuts_take() {
    let song = song();
    let plate = &song.session.returns["plate"].inserts[0];
    let settings = dsp::processors::reverb::Settings::from_values(&plate.values);
    let track = song.read("tracks/lead_vox.wav");
    // BS.1770's weighting by its analogue shape: a high-pass of second order at 38 Hz (Q 0.5) and a shelf of 4 dB from
    // 1.7 kHz on; within 0.2 dB of it where voices lie.
    let weight = |hz: f64| {
        let high_pass = ((hz / 38.1).powi(2) / (1.0 + (hz / 38.1).powi(2))).powi(2);
        let shelf = (1.0 + 2.51 * (hz / 1_682.0).powi(4)) / (1.0 + (hz / 1_682.0).powi(4));
        high_pass * shelf
    };
    let through = |hz: f64| {
        let (low, high) = ((hz / settings.low_cut_hz).powi(4), (hz / settings.high_cut_hz).powi(4));
        low / (1.0 + low) / (1.0 + high)
    };
    let whole = spectrum(&[track.channel(0)]);
    let all: f64 = whole.iter().map(|(hz, p)| p * weight(*hz)).sum();
    let left: f64 = whole.iter().map(|(hz, p)| p * weight(*hz) * through(*hz)).sum();
    let quoted = song.quoted("track.lead_vox.sends.plate_db", "loudness lost in the return's cuts");
    // What the space was chosen by was heard before the last of the dynamics, in bands a third of an octave wide.
    assert!((quoted - db(all / left)).abs() < 0.5, "{quoted} {}", db(all / left));
}

#[test]
fn the_overtones_quote_how_little_the_bass_has() {
    let song = song();
    let whole = spectrum(&[&song.bass]);
    let above: f64 = whole.iter().filter(|(hz, _)| *hz >= 250.0).map(|(_, p)| p).sum();
    let all: f64 = whole.iter().map(|(_, p)| p).sum();
    let about = song.decisions.iter().find(|d| d.evidence.iter().any(|e| e.name == "energy above 250 Hz"));
    let path = about.expect("a bass without overtones gets some").change.path().to_string();
    let quoted = song.quoted(&path, "energy above 250 Hz");
    // So little is there that what the compressor adds shows: both are far under the 14 dB that are asked.
    assert!(db(above / all) < -25.0 && quoted < -25.0, "{quoted} {}", db(above / all));
}

#[test]
fn the_mono_check_quotes_what_is_lost() {
    let song = song();
    let (left, right) = (&song.keys[0], &song.keys[1]);
    let mono: Vec<f64> = left.iter().zip(right).map(|(l, r)| (l + r) / 2.0).collect();
    let loss = db((power(left) + power(right)) / 2.0) - db(power(&mono));
    assert!(loss > 4.0, "{loss}");
    let quoted = song.quoted("track.keys.insert.width", "loss in mono");
    // The equaliser before it weighs the bands a little.
    assert!((quoted - loss).abs() < 0.5, "{quoted} {loss}");
    // And no track of the mix loses more than 3 dB.
    for id in song.session.tracks.keys() {
        let track = song.read(format!("tracks/{id}.wav"));
        let (left, right) = (track.channel(0), track.channel(1));
        let mono: Vec<f64> = left.iter().zip(right).map(|(l, r)| (l + r) / 2f64.sqrt()).collect();
        let loss = db(power(left) + power(right)) - db(power(&mono));
        assert!(loss < 3.0, "{id}: {loss:.2} dB");
    }
}

#[test]
fn the_lift_of_the_chorus_quotes_both_loudnesses() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, samples: Vec<f64>| {
        write(&folder.path().join(name), RATE_HZ, SampleFormat::Float32, &[samples]);
    };
    // As loud in the chorus as in the verse, but for a guitar that comes in.
    let comes_in = |t: f64| f64::from(u8::from(t >= SECTIONS_S[1].0));
    put("01 Bass.wav", made(|t| 0.2 * band(t, 50.0, 400.0, 0.23)));
    put("02 Organ.wav", made(|t| 0.1 * band(t, 200.0, 3_000.0, 0.71)));
    put("03 Electric Guitar.wav", made(|t| 0.05 * comes_in(t) * band(t, 300.0, 3_000.0, 0.17)));
    put("04 Lead Vox.wav", made(|t| f64::from(u8::from(sings(t))) * 0.05 * voice(t)));
    let sections = format!("[[\"verse\", 0.0], [\"chorus\", {:.1}]]", SECTIONS_S[1].0);
    let text = format!("version = 1\n\n[song]\nsections = {sections}\n");
    std::fs::write(folder.path().join("session.toml"), text).expect("a session");
    let project = Project::new(folder.path(), None).expect("a project");
    let planned = plan(&project, &PlanRequest::default(), &context(0)).expect("a plan");
    render(&project, &[Part::Premaster], false, false, &context(0)).expect("a render");
    let lift =
        planned.decisions.iter().find(|d| d.change.path().to_string() == "premaster.automation.fader_db");
    let lift = lift.unwrap_or_else(|| panic!("the chorus is lifted: {:#?}", planned.decisions));
    let quoted = |name: &str| lift.evidence.iter().find(|e| e.name == name).expect("evidence").value;
    let quoted_lu = quoted("loudness of the choruses") - quoted("loudness of the verses");

    let mix = read(&folder.path().join("out/premaster.wav"));
    let section_lufs = |(from_s, to_s): (f64, f64)| {
        let inside = (from_s * f64::from(RATE_HZ)) as usize..(to_s * f64::from(RATE_HZ)) as usize;
        let mut meter = EbuR128::new(2, RATE_HZ, Mode::M).expect("a meter");
        let tenth = RATE_HZ as usize / 10;
        let mut powers = Vec::new();
        for (left, right) in
            mix.channel(0)[inside.clone()].chunks(tenth).zip(mix.channel(1)[inside].chunks(tenth))
        {
            meter.add_frames_planar_f64(&[left, right]).expect("frames");
            powers.push(10f64.powf(meter.loudness_momentary().expect("loudness") / 10.0));
        }
        // From the first whole window of 400 ms on.
        db(powers[4..].iter().sum::<f64>() / (powers.len() - 4) as f64)
    };
    let (verse, chorus) = (section_lufs(SECTIONS_S[0]), section_lufs(SECTIONS_S[1]));
    let lane = &planned.session.premaster.strip.lanes;
    let values: Vec<f64> = lane.iter().flat_map(|lane| &lane.points).map(|point| point.value).collect();
    let lifted =
        values.iter().fold(f64::MIN, |a, b| a.max(*b)) - values.iter().fold(f64::MAX, |a, b| a.min(*b));
    assert!((0.4..=1.6).contains(&lifted), "{values:?}");
    // What was quoted was heard before the lift, whose rise begins in the verse's last moment.
    let measured_lu = chorus - verse - lifted;
    assert!((quoted_lu - measured_lu).abs() < 0.3, "{quoted_lu} {measured_lu}");
}

#[test]
fn the_pre_master_quotes_the_peak_that_it_moved() {
    let song = song();
    let mix = song.read("premaster.wav");
    let mut meter = EbuR128::new(2, RATE_HZ, Mode::TRUE_PEAK).expect("a meter");
    meter.add_frames_planar_f64(&[mix.channel(0), mix.channel(1)]).expect("frames");
    let peak = (0..2).map(|c| gain_to_db(meter.true_peak(c).expect("a channel"))).fold(f64::MIN, f64::max);
    let strip = &song.session.premaster.strip;
    assert!(strip.lanes.is_empty(), "its fader does not move");
    let quoted = song.quoted("premaster.fader_db", "true peak before");
    // The other meter reads up to 0.17 dB low; the gain is set to a tenth.
    let before = peak - strip.fader_db - strip.trim_db;
    assert!((quoted - before).abs() < 0.25, "{quoted} {before}");
}

#[test]
fn what_stands_on_a_bound_says_so() {
    let song = song();
    let says = |decision: &Decision| {
        ["stop", "bound", "most", "limit", "at least", "far as", "more would"]
            .iter()
            .any(|word| decision.why.contains(word))
    };
    let mut seen = 0;
    for decision in &song.decisions {
        let session::Change::Set { path, value: session::Value::Number(value) } = &decision.change else {
            continue;
        };
        let last = path.parts().last().map(String::as_str);
        // Where the rules let such values go, and no farther.
        let on_bound = match last {
            Some("fader_db") if path.parts()[0] == "premaster" => value.abs() >= 24.0,
            Some("fader_db") => !(-19.95..=9.95).contains(value),
            Some("trim_db") => value.abs() >= 30.0,
            _ => continue,
        };
        seen += 1;
        assert!(!on_bound || says(decision), "{path}: {value}: {}", decision.why);
    }
    assert!(seen > 10, "{seen} levels were looked at");
    // A slope's bound is 1.5 dB per octave, a width's twice the side.
    for decision in &song.decisions {
        let path = decision.change.path().to_string();
        let Some(id) = path.strip_prefix("track.").and_then(|p| p.strip_suffix(".insert.tilt")) else {
            continue;
        };
        let insert = song.session.tracks[id].insert("tilt").expect("it is there");
        let turn = dsp::processors::tilt::Settings::from_values(&insert.values).tilt_db_per_oct;
        assert!(turn.abs() < 1.5 || says(decision), "{}", decision.why);
    }
    let pad = song.session.tracks["synth_pad"].insert("wide").expect("it is widened");
    let wide = dsp::processors::width::Settings::from_values(&pad.values).width_percent;
    let why = &song
        .decisions
        .iter()
        .find(|d| d.change.path().to_string().ends_with("insert.wide"))
        .expect("why")
        .why;
    assert_eq!(wide >= 199.5, why.contains("stopped at the bound"), "{wide}: {why}");
}
