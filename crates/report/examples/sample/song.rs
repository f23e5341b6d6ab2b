//! A song that does not exist: everything in it is made up, so that every part of the page has something to show.

use measure::{BandFacts, BandLevel, Facts, LoudnessSeries};
use report::*;
use session::{Change, Decision, Path, StepId, Value};

const DURATION_S: f64 = 192.0;

/// Its report.
pub(crate) fn sample() -> Report {
    let section = |(name, start_s): (&str, f64)| SectionPart { name: name.into(), start_s };
    let sections = [("intro", 0.0), ("verse", 14.0), ("chorus", 48.0), ("verse", 76.0), ("chorus", 110.0)];
    let last = [("bridge", 138.0), ("chorus", 152.0), ("outro", 180.0)];
    Report {
        title: "Rye and Rain".into(),
        engine: "0.1.0".into(),
        sample_rate_hz: 44_100.0,
        duration_s: DURATION_S,
        tempo_bpm: Some(92.0),
        sections: sections.into_iter().chain(last).map(section).collect(),
        passed: Some(true),
        verdict: vec![
            "The song is mixed, mastered and ready for streaming.".into(),
            "It reaches the loudness it aims at, with peaks that stay below the ceiling in the file as written. The limiter \
             works only in the choruses, by 2.8 dB at most."
                .into(),
        ],
        target: Some(target()),
        premaster: Some(signal(-20.6, -6.0, 9.0, 0.0)),
        master: Some(signal(-14.0, -1.0, 7.9, 1.0)),
        reference: Some(reference()),
        gain_reduction: vec![
            reduction("track.kick", "compressor", 4.0, 3),
            reduction("track.vox", "compressor", 6.5, 5),
            reduction("track.vox", "de_esser", 3.0, 11),
            reduction("bus.drums", "compressor", 2.2, 2),
            reduction("master", "glue", 1.4, 2),
            reduction("master", "limiter", 2.8, 7),
        ],
        steps: StepPart::all(&decisions(), |step| step != StepId::Album),
        tracks: tracks(),
        back_to_mix: vec![
            "The lead vocal clips in 14 places from 0:51 on; the takes before the interface's converter would be better."
                .into(),
        ],
        translation: translation(),
        services: services(),
        files: files(),
        reproduce: vec!["tonmeister produce \"Rye and Rain\" --target streaming".into()],
        ..Default::default()
    }
}

fn translation() -> Vec<TranslationPart> {
    let part = |device: &str, corner_hz: f64, lift_db: f64, mono: bool| TranslationPart {
        device: device.into(),
        model: format!("nothing below {corner_hz} Hz"),
        lost_lu: Some(2.0 - lift_db / 2.0),
        bass_share: [Some(0.5), Some(if corner_hz > 200.0 { 0.0 } else { 0.5 + lift_db / 20.0 })],
        mono_loss_db: mono.then_some(0.9),
        mono_worst_band: mono.then_some((4000.0, 8000.0, 2.4)),
        lead_left: [Some(0.82), Some(0.82 - lift_db / 60.0)],
        drowned_share: (device == "car").then_some(0.07),
        bands: (0..30)
            .map(|n| {
                let hz = 25.0 * 10f64.powf(f64::from(n) / 10.0);
                let before = -3.0 * (hz / 90.0).log2().abs();
                let lost = 24.0 * (corner_hz / hz).log2().max(0.0);
                (hz, before, before - lost + if hz < 90.0 { lift_db } else { 0.0 })
            })
            .collect(),
    };
    vec![
        part("telephone", 650.0, 0.0, true),
        part("laptop", 220.0, 0.0, false),
        part("car", 20.0, 8.0, false),
        part("club", 30.0, 6.0, true),
    ]
}

fn target() -> TargetPart {
    let row = |what: &str, unit: &str, limit, measured| TargetRow {
        what: what.into(),
        unit: unit.into(),
        limit,
        measured: Some(measured),
        measured_words: String::new(),
        ok: true,
    };
    TargetPart {
        label: "Streaming".into(),
        loudness_lufs: Some(-14.0),
        ceiling_dbtp: Some(-1.0),
        rows: vec![
            row("integrated loudness", "LUFS", Bound::About { value: -14.0, tolerance: 0.5 }, -14.02),
            row("true peak", "dBTP", Bound::AtMost(-1.0), -1.003),
            row("sample rate", "Hz", Bound::AtLeast(44_100.0), 44_100.0),
            TargetRow {
                what: "format".into(),
                unit: String::new(),
                limit: Bound::Words("WAV or FLAC, 16 or 24 bits".into()),
                measured: None,
                measured_words: "WAV, 24 bits".into(),
                ok: true,
            },
        ],
    }
}

/// Louder in choruses, with beats; the numbers only have to look like a song.
fn signal(integrated_lufs: f64, true_peak_dbtp: f64, range: f64, wide: f64) -> SignalPart {
    let shape = |t: f64| match t {
        t if t < 14.0 => -8.0 + t / 7.0,
        t if (48.0..76.0).contains(&t) || (110.0..138.0).contains(&t) => 2.2,
        t if (152.0..180.0).contains(&t) => 3.0,
        t if t > 180.0 => 3.0 - (t - 180.0) * 2.4,
        _ => -2.5,
    };
    let time_s: Vec<f64> = (4..(DURATION_S * 10.0) as usize).map(|n| n as f64 / 10.0).collect();
    let short = |t: &f64| {
        let mean = (0..6).map(|n| shape(t - n as f64 * 0.5)).sum::<f64>() / 6.0;
        (*t >= 3.0).then_some(integrated_lufs + mean + 0.6 * (t * 0.7).sin())
    };
    let moment =
        |t: &f64| Some(integrated_lufs + shape(*t) + 1.8 * (t * 4.1).sin().abs() + 0.8 * (t * 13.0).sin());
    let loudness = LoudnessSeries {
        momentary_lufs: time_s.iter().map(moment).collect(),
        short_term_lufs: time_s.iter().map(short).collect(),
        time_s,
    };
    SignalPart { facts: facts(integrated_lufs, true_peak_dbtp, range, wide), loudness }
}

fn facts(integrated_lufs: f64, true_peak_dbtp: f64, range: f64, wide: f64) -> Facts {
    let octaves = [20.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];
    let band = |(n, edges): (usize, &[f64])| BandFacts {
        low_hz: edges[0],
        high_hz: edges[1],
        share_db: Some(-6.0 - n as f64),
        side_mid_db: Some(-34.0 + 3.4 * n as f64 + wide * if n < 2 { -6.0 } else { 1.0 }),
        correlation: Some(0.99 - 0.07 * n as f64 + wide * if n < 2 { 0.0 } else { -0.02 * n as f64 }),
    };
    let third = |n: i32| {
        let hz = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0][(n % 10) as usize] * 10f64.powi(n / 10);
        let octave = (hz / 90.0_f64).log2();
        let slope = if octave < 0.0 { 4.5 * octave } else { -1.9 * octave };
        let tone =
            1.7 * (n as f64 * 1.3).sin() * (1.0 - 0.35 * wide) + wide * if hz > 6000.0 { 2.0 } else { 0.0 };
        BandLevel { hz, db: (hz < 21_000.0).then_some(integrated_lufs - 8.0 + slope + tone) }
    };
    Facts {
        sample_rate_hz: 44_100.0,
        channels: 2,
        frames: 8_467_200,
        duration_s: DURATION_S,
        integrated_lufs: Some(integrated_lufs),
        max_momentary_lufs: Some(integrated_lufs + 5.3),
        max_short_term_lufs: Some(integrated_lufs + 3.4),
        loudness_range_lu: Some(range),
        true_peak_dbtp: Some(true_peak_dbtp),
        sample_peak_dbfs: Some(true_peak_dbtp - 0.1),
        rms_dbfs: Some(integrated_lufs - 0.8),
        crest_db: Some(true_peak_dbtp - integrated_lufs + 0.7),
        plr_lu: Some(true_peak_dbtp - integrated_lufs),
        psr_min_lu: Some(8.1),
        noise_floor_dbfs: Some(integrated_lufs - 41.0),
        correlation: Some(0.71),
        mono_loss_db: Some(0.7),
        side_mid_db: Some(-9.6),
        balance_db: Some(-0.2),
        third_octave_db: (14..=43).map(third).collect(),
        bands: octaves.windows(2).enumerate().map(band).collect(),
        ..Default::default()
    }
}

fn reference() -> CurvePart {
    let points = [
        (31.5, 1.0, 11.0),
        (63.0, 5.0, 8.0),
        (100.0, 4.0, 5.0),
        (200.0, 4.0, 4.0),
        (800.0, 1.0, 4.0),
        (1600.0, -2.0, 3.0),
        (3150.0, -5.0, 4.0),
        (5000.0, -9.0, 7.0),
        (8000.0, -11.0, 8.0),
        (12_500.0, -16.0, 13.0),
        (16_000.0, -19.0, 20.0),
    ];
    let band = |(hz, db, spread_db)| CurveBand { hz, db, spread_db };
    CurvePart { label: "median of released records".into(), bands: points.into_iter().map(band).collect() }
}

fn reduction(strip: &str, insert: &str, deepest_db: f64, seed: u32) -> ReductionPart {
    let step_s = 4096.0 / 44_100.0;
    let at = |n: usize| {
        let t = n as f64 * step_s;
        let loud =
            if (48.0..76.0).contains(&t) || (110.0..138.0).contains(&t) || t > 152.0 { 1.0 } else { 0.45 };
        let swing =
            0.5 + 0.5 * (t * (1.0 + f64::from(seed) * 0.37)).sin() * (t * 0.31 + f64::from(seed)).cos();
        (deepest_db * loud * swing) as f32
    };
    let reduction_db = (0..(DURATION_S / step_s) as usize).map(at).collect();
    ReductionPart { strip: strip.into(), insert: insert.into(), step_s, reduction_db }
}

fn decisions() -> Vec<Decision> {
    let set = |step, parts: &[&str], value: Value, why: &str| {
        Decision::set(step, Path::new(parts.iter().copied()), value, why)
    };
    let mut all = vec![
        set(
            StepId::Preparation,
            &["track", "snare_bottom", "invert"],
            true.into(),
            "It has the opposite polarity of `snare_top`: turned; together they are 5.1 dB louder below 400 Hz.",
        )
        .measured("correlation with snare top", -0.82, "")
        .sure(0.82)
        .unless("the recording was meant to sound hollow"),
    ];
    for (id, trim_db, level) in [
        ("kick", -4.2, -13.8),
        ("snare_top", -2.0, -16.0),
        ("bass", 3.1, -21.1),
        ("vox", 6.4, -24.4),
        ("guitar_l", 1.0, -19.0),
    ]
    .into_iter()
    .chain([("guitar_r", 1.2, -19.2), ("overheads", 5.5, -23.5)])
    {
        let why = format!(
            "Trim {trim_db:+.1} dB: active parts stood at {level:.1} dBFS RMS, and belong at -18 dBFS."
        );
        let decision = set(StepId::GainStaging, &["track", id, "trim_db"], trim_db.into(), &why);
        all.push(decision.measured("active level", level, "dBFS").sure(0.95));
    }
    let compressor = Value::table([
        ("kind", Value::from("compressor")),
        ("threshold_db", (-21.5).into()),
        ("ratio", 3.0.into()),
        ("attack_ms", 8.0.into()),
    ]);
    all.push(
        set(
            StepId::Dynamics,
            &["track", "vox", "insert", "compressor"],
            compressor,
            "The voice moves by 14.2 LU from phrase to phrase, and 7 LU can be followed over a band: 3:1 above -21.5 dB.",
        )
        .measured("level spread", 14.2, "LU")
        .measured("crest factor", 15.8, "dB")
        .sure(0.75)
        .unless("it is meant to be whispered"),
    );
    all.push(
        set(
            StepId::Automation,
            &["track", "vox", "automation", "fader_db"],
            Value::points([(41.6, 0.0), (41.8, 1.5), (58.2, 1.5), (58.6, 0.0)]),
            "Three phrases fall below the band: the fader follows by 1.5 dB at most.",
        )
        .measured("weakest phrase against the band", -6.4, "LU")
        .sure(0.6),
    );
    let change =
        Change::Set { path: Path::new(["master", "insert", "limiter", "drive_db"]), value: 6.6.into() };
    let why = "6.6 dB into the limiter reach -14.0 LUFS; it takes 2.8 dB at most, and less than 1 dB for 97 % of the song.";
    all.push(Decision::new(StepId::Limiting, change, why).measured("loudness", -14.02, "LUFS").sure(0.98));
    all
}

fn tracks() -> Vec<TrackPart> {
    let names = [
        ("kick", "01_Kick In", "kick_in", -13.8, -0.4, -2.5, 0.0),
        ("snare_top", "02_Snare Top", "snare_top", -16.0, -2.0, -3.0, 0.0),
        ("snare_bottom", "03_Snare Bottom", "snare_bottom", -24.0, -8.0, -9.0, 0.0),
        ("overheads", "04_OH", "overheads", -23.5, -6.2, -4.5, 0.0),
        ("bass", "05_Bass DI", "bass_di", -21.1, -8.4, -3.5, 0.0),
        ("guitar_l", "06_Gtr Rhythm L", "rhythm_guitar", -19.0, -5.2, -6.0, -80.0),
        ("guitar_r", "07_Gtr Rhythm R", "rhythm_guitar", -19.2, -5.5, -6.0, 80.0),
        ("vox", "08_LVox <b>bold</b> with a long name", "lead_vocal", -24.4, 0.0, 0.0, 0.0),
        ("noise", "09_Spare", "", -70.0, -62.0, -20.0, 0.0),
    ];
    let one = |(id, name, role, rms, peak, fader_db, pan): (&str, &str, &str, f64, f64, f64, f64)| {
        let facts = |rms: f64, peak: f64| Facts {
            active_rms_dbfs: Some(rms),
            active_lufs: (rms > -69.0).then_some(rms + 1.3),
            sample_peak_dbfs: Some(peak),
            ..Default::default()
        };
        TrackPart {
            id: id.into(),
            name: name.into(),
            role: (!role.is_empty()).then(|| role.into()),
            file: format!("audio/{name}.wav"),
            trim_db: -18.0 - rms,
            fader_db,
            pan,
            before: facts(rms, peak),
            after: (id != "noise").then(|| facts(-19.0 + fader_db, -18.0 + fader_db + 0.6 * (peak - rms))),
            faults: match id {
                "vox" => vec![
                    "Clipped in 14 places, the first at 0:51.204.".into(),
                    "Hum at 50 Hz, -61 dBFS.".into(),
                ],
                "snare_bottom" => vec!["Opposite polarity of `snare_top`.".into()],
                _ => Vec::new(),
            },
        }
    };
    names.into_iter().map(one).collect()
}

fn services() -> Vec<ServicePart> {
    let one = |(service, gain_db, note): (&str, f64, &str)| ServicePart {
        service: service.into(),
        gain_db,
        plays_at_lufs: -14.0 + gain_db,
        plays_at_dbtp: Some(-1.0 + gain_db),
        note: note.into(),
    };
    let rows = [
        ("Spotify", 0.0, "plays as delivered (not in the web player; albums keep their inner differences)"),
        ("Apple Music", -2.0, "turned down by 2.0 dB (with Sound Check on)"),
        ("YouTube", 0.0, "plays as delivered"),
        ("Deezer", -1.0, "turned down by 1.0 dB; figure unverified"),
    ];
    rows.into_iter().map(one).collect()
}

fn files() -> Vec<FilePart> {
    let file = FilePart {
        what: "master".into(),
        path: "Rye and Rain/out/master.wav".into(),
        format: "WAV, 24 bits".into(),
        dither: "TPDF dither, seed 7".into(),
        sample_rate_hz: 44_100.0,
        channels: 2,
        frames: 8_467_200,
        bytes: Some(50_803_244),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        tags: vec![TagPart { name: "Title".into(), value: "Rye and Rain".into() }],
        passed: Some(true),
        findings: vec![FindingPart {
            severity: FindingSeverity::Info,
            what: "0.42 s of silence before the first sound.".into(),
            place_s: Some(0.0),
            heard_as: "A short wait.".into(),
            remedy: "Cut it if the song should begin at once.".into(),
        }],
        facts: Some(facts(-14.02, -1.003, 7.9, 1.0)),
    };
    let premaster = FilePart {
        what: "pre-master".into(),
        path: "Rye and Rain/out/premaster.wav".into(),
        format: "WAV, 32-bit float".into(),
        dither: String::new(),
        passed: None,
        sha256: String::new(),
        tags: Vec::new(),
        findings: Vec::new(),
        facts: Some(facts(-20.6, -6.0, 9.0, 0.0)),
        ..file.clone()
    };
    vec![file, premaster]
}
