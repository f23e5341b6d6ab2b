use super::*;
use audio::Buffer;
use proptest::prelude::*;
use std::f64::consts::{PI, TAU};

const RATE: f64 = 48_000.0;
const SURE: f64 = 50.0;

/// Seeded noise, uniform in -1 .. 1 (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn share(&mut self) -> f64 {
        0.5 + 0.5 * self.next()
    }
}

fn settings(sensitivity_percent: f64) -> Settings {
    Settings { sensitivity_percent, ..Settings::default() }
}

fn found(samples: &[f64], rate: f64, sensitivity_percent: f64) -> Vec<Click> {
    clicks(&BlockRef::from_mono(samples), rate, &settings(sensitivity_percent))
}

/// A voice with vibrato and breath, in phrases: the soft pulses of the throat fall by 12 dB per octave.
fn voice(seconds: f64, rate: f64) -> Vec<f64> {
    let (mut noise, mut phase) = (Noise(5), 0.0);
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            phase += TAU * 180.0 * (1.0 + 0.03 * (TAU * 5.5 * t).sin()) / rate;
            let sings = ((t % 2.0) / 0.02).min((1.6 - t % 2.0) / 0.1).clamp(0.0, 1.0);
            let tone: f64 = (1..40).map(|k| (f64::from(k) * phase).sin() / f64::from(k).powi(2)).sum();
            0.25 * sings * tone + 0.001 * noise.next()
        })
        .collect()
}

/// Notes of struck strings: partials that begin within 2 ms and die away, four a second, under 1/f-like noise.
fn piano(seconds: f64, rate: f64) -> Vec<f64> {
    let (mut noise, mut low) = (Noise(6), 0.0);
    let pitches = [220.0, 277.2, 329.6, 440.0, 165.0, 554.4, 392.0];
    (0..(seconds * rate) as usize)
        .map(|n| {
            low = 0.98 * low + 0.02 * noise.next();
            let mut sum = 0.01 * low + 1e-4 * noise.next();
            for back in 0..4 {
                let note = (n as f64 / rate * 4.0) as i64 - back;
                let t = n as f64 / rate - note as f64 / 4.0;
                let Some(hz) = usize::try_from(note).ok().map(|note| pitches[note * 5 % 7]) else { continue };
                let begins = (PI * 0.5 * (t / 0.002).min(1.0)).sin().powi(2);
                let partial = |k: f64| (TAU * hz * k * t).sin() * (-t * (2.0 + k)).exp() / k;
                sum += 0.15 * begins * (1..12).map(|k| partial(f64::from(k))).sum::<f64>();
            }
            sum
        })
        .collect()
}

/// Strings: many detuned sawtooth partials with noise of the bow.
fn strings(seconds: f64, rate: f64) -> Vec<f64> {
    let (mut noise, mut bow) = (Noise(7), 0.0);
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            bow = 0.7 * bow + 0.3 * noise.next();
            let tone = |hz: f64| -> f64 {
                (1..20).map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k)).sum()
            };
            0.05 * (tone(196.0) + tone(247.3) + tone(293.1) + tone(294.2)) + 0.003 * bow
        })
        .collect()
}

/// Strokes of a kit: kick (a beater's click into a falling tone), snare (noise and tone), hats (bright noise),
/// rim (one period of ringing): each begins within one frame.
fn drums(seconds: f64, rate: f64) -> Vec<f64> {
    let mut noise = Noise(8);
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let since = |period: f64, offset: f64| (t + offset) % period;
            let (kick, snare, hat, rim) =
                (since(0.5, 0.0), since(1.0, 0.5), since(0.125, 0.0), since(0.75, 0.3));
            let white = noise.next();
            let tone = |hz: f64, t: f64, decay: f64| (TAU * hz * t).sin() * (-t / decay).exp();
            0.6 * tone(55.0 + 60.0 * (-kick / 0.03).exp(), kick, 0.15)
                + 0.3 * white * (-kick / 0.0008).exp()
                + 0.3 * tone(190.0, snare, 0.08)
                + 0.4 * white * (-snare / 0.06).exp()
                + 0.15 * white * (-hat / 0.02).exp()
                + 0.4 * (TAU * 1_700.0 * rim).cos() * (-rim / 0.004).exp()
                + 1e-5 * white
        })
        .collect()
}

/// Places and lengths of clicks put into `music`: single samples, bursts of noise and rings, 1 frame to 0.9 ms
/// long, from half to three times as high as the music around them (in pauses, from -36 dBFS).
fn plant(music: &mut [f64], rate: f64, count: usize, seed: u64) -> Vec<(usize, usize)> {
    let mut noise = Noise(seed);
    let around = (0.01 * rate) as usize;
    let place =
        |k: usize, share: f64| ((k as f64 + 0.2 + 0.6 * share) / count as f64 * music.len() as f64) as usize;
    let places: Vec<usize> = (0..count).map(|k| place(k, noise.share())).collect();
    places
        .into_iter()
        .enumerate()
        .map(|(k, at)| {
            let length = 1 + (noise.share().powi(2) * 0.0009 * rate) as usize;
            let near = music[at.saturating_sub(around)..(at + around).min(music.len())].iter();
            let loudest = near.fold(0.03, |most: f64, x| most.max(x.abs()));
            let height =
                loudest * 0.5 * 6f64.powf(noise.share()) * if noise.next() < 0.0 { -1.0 } else { 1.0 };
            let click: Vec<f64> = (0..length)
                .map(|n| {
                    let across = (n as f64 + 0.5) / length as f64;
                    match k % 3 {
                        0 => 1.0 - 0.5 * across,
                        1 => (PI * across).sin() * noise.next(),
                        _ => (TAU * 2.0 * across).cos() * (-3.0 * across).exp(),
                    }
                })
                .collect();
            let highest = click.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            music[at..].iter_mut().zip(&click).for_each(|(x, click)| *x += height / highest * click);
            (at, length)
        })
        .collect()
}

fn overlaps(click: &Click, place: &(usize, usize)) -> bool {
    click.frame <= place.0 + place.1 + 2 && click.frame + click.frames + 2 >= place.0
}

#[test]
fn planted_clicks_are_found_and_nothing_else() {
    let (mut hits, mut planted, mut wrong) = (0, 0, 0);
    for (seed, (rate, music)) in
        [(44_100.0, voice as fn(f64, f64) -> _), (48_000.0, piano), (48_000.0, strings), (96_000.0, voice)]
            .into_iter()
            .enumerate()
    {
        let mut torn: Vec<f64> = music(6.0, rate);
        let places = plant(&mut torn, rate, 45, 11 + seed as u64);
        let clicks = found(&torn, rate, SURE);
        hits += places.iter().filter(|place| clicks.iter().any(|click| overlaps(click, place))).count();
        wrong += clicks.iter().filter(|click| !places.iter().any(|place| overlaps(click, place))).count();
        planted += places.len();
    }
    let f1 = 2.0 * f64::from(hits as u32) / f64::from((hits + planted + wrong) as u32);
    assert!(f1 > 0.95, "F1 {f1:.3}: {hits} of {planted} found, {wrong} others");
}

#[test]
fn music_without_clicks_keeps_every_bit() {
    let squares: Vec<f64> = (0..96_000).map(|n| if n % 480 < 240 { 0.9 } else { -0.9 }).collect();
    let mut noise = Noise(3);
    let white: Vec<f64> = (0..96_000).map(|_| 0.3 * noise.next()).collect();
    let tone: Vec<f64> = (0..48_000).map(|n| 0.3 * (TAU * 333.0 * (n + 40) as f64 / RATE).sin()).collect();
    let cases = [
        ("a voice", voice(6.0, RATE)),
        ("a piano", piano(6.0, RATE)),
        ("strings", strings(4.0, RATE)),
        ("drums", drums(5.0, RATE)),
        ("drums at 44.1 kHz", drums(5.0, 44_100.0)),
        ("drums at 96 kHz", drums(2.0, 96_000.0)),
        ("a square", squares),
        ("noise", white),
        ("a tone that is cut at both ends", tone),
    ];
    for (name, samples) in cases {
        for sensitivity in [SURE, 80.0] {
            let clicks = found(&samples, if name.contains("44.1") { 44_100.0 } else { RATE }, sensitivity);
            assert_eq!(clicks, [], "{name} at {sensitivity} %");
        }
    }
}

/// The processor's output, its latency taken away.
fn repaired(input: &[f64], rate: f64, settings: &Settings) -> Vec<f64> {
    let spec = Spec { sample_rate_hz: rate, channels: 1, max_frames: 512 };
    let mut declick = Declick::new(settings.clone(), &spec);
    let latency = declick.latency();
    let mut samples = input.to_vec();
    samples.resize(input.len() + latency, 0.0);
    samples.chunks_mut(512).for_each(|part| declick.process(&mut Block::from_mono(part), None));
    samples.split_off(latency)
}

#[test]
fn repairs_come_close_to_what_was_there_and_the_rest_keeps_every_bit() {
    for (rate, music) in
        [(44_100.0, voice as fn(f64, f64) -> Vec<f64>), (48_000.0, piano), (48_000.0, strings)]
    {
        let clean = music(6.0, rate);
        let mut torn = clean.clone();
        plant(&mut torn, rate, 40, 23);
        let clicks = found(&torn, rate, SURE);
        let output = repaired(&torn, rate, &settings(SURE));
        let (mut before, mut after) = (0.0, 0.0);
        for n in 0..torn.len() {
            let touched = clicks.iter().any(|c| (c.frame..c.frame + c.frames).contains(&n));
            if touched {
                before += (torn[n] - clean[n]).powi(2);
                after += (output[n] - clean[n]).powi(2);
            } else {
                assert_eq!(output[n].to_bits(), torn[n].to_bits(), "frame {n}");
            }
        }
        let gain_db = 10.0 * (before / after).log10();
        // Music goes on through gaps up to 0.9 ms nearly as predicted; its noise does not, and the quietest of
        // these clicks are half as high as the music: 12 dB is a quarter of all their amplitude.
        assert!(gain_db > 12.0, "{gain_db:.1} dB at {rate} Hz");
    }
}

#[test]
fn crackle_is_taken_out_in_its_bursts() {
    let clean = strings(4.0, RATE);
    let mut torn = clean.clone();
    let mut noise = Noise(31);
    let mut ticks = 0;
    for burst in 0..20 {
        let mut at = 4_800 + burst * 9_000;
        for _ in 0..8 {
            at += 60 + (120.0 * noise.share()) as usize;
            torn[at] += 0.3 * noise.next().signum();
            torn[at + 1] -= 0.2 * noise.next();
            ticks += 1;
        }
    }
    let output = repaired(&torn, RATE, &settings(80.0));
    let rest = |x: &[f64]| x.iter().zip(&clean).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let gain_db = 10.0 * (rest(&torn) / rest(&output)).log10();
    // The lowest ticks are lower than the strings, and stay.
    assert!(gain_db > 10.0, "{gain_db:.1} dB for {ticks} ticks");
}

#[test]
fn a_click_is_told_with_its_place_length_and_height() {
    let mut torn = voice(2.0, RATE);
    let (at, height) = (40_000, 0.4);
    torn[at..at + 6].iter_mut().for_each(|x| *x += height);
    let two = Buffer::from_channels(&[voice(2.0, RATE), torn]);
    let clicks = clicks(&two.as_block(), RATE, &settings(SURE));
    assert_eq!(clicks.len(), 1, "{clicks:?}");
    assert_eq!(clicks[0].channel, 1);
    // One frame more is taken on either side, and the music may hide an edge.
    assert!(clicks[0].frame.abs_diff(at) <= 2 && clicks[0].frames.abs_diff(6) <= 4, "{clicks:?}");
    assert!((clicks[0].height - height).abs() < 0.1 * height, "{clicks:?}");
    assert_eq!(found(&[], RATE, SURE), []);
    assert_eq!(found(&[0.5], RATE, SURE), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes in: nothing but finite samples come out, and none beyond twice the loudest.
    #[test]
    fn repairs_stay_within_the_sound(seed in 1u64.., rate in prop::sample::select(vec![8_000.0, 44_100.0])) {
        let mut noise = Noise(seed);
        let kind = noise.share();
        let samples: Vec<f64> = (0..12_000)
            .map(|n| {
                let rare = if noise.share() < 0.01 * kind { 1.0 } else { 0.001 };
                rare * noise.next() + 0.1 * (n as f64 * kind).sin()
            })
            .collect();
        let loudest = samples.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let output = repaired(&samples, rate, &settings(100.0));
        prop_assert!(output.iter().all(|x| x.is_finite() && x.abs() <= 2.0 * loudest));
    }
}
