//! Which settings of a session answer a planted fault: in the right place, of the right sign and order of size.

use demo::Planted;
use dsp::Setting;
use dsp::processors::{
    compressor, de_esser, declick, declip, dehum, denoise, eq, gain, gate, leveller, rumble, saturator, width,
};
use measure::BandLevel;
use session::{Insert, Lane, LaneTarget, Path, Session, Strip};

/// What stands in the session against a fault: the path whose reason is told; `None` when nothing does.
pub(super) fn answer(planted: &Planted, track: Option<&Strip>, session: &Session) -> Option<Path> {
    match (planted.fault, track) {
        ("sample_rate", _) => (session.song.sample_rate_hz == Some(demo::SESSION_RATE_HZ))
            .then(|| path(&["song", "sample_rate_hz"])),
        ("dry", _) => dry(session),
        ("overshoot", _) => {
            let strip = &session.premaster.strip;
            let moved = strip.fader_db + strip.trim_db != 0.0;
            let key = if strip.fader_db == 0.0 { "trim_db" } else { "fader_db" };
            (moved && session.premaster.peak_dbfs.is_some_and(|dbfs| dbfs <= -3.0))
                .then(|| strip.path().child(key))
        }
        ("no_harmonics", Some(track)) => no_harmonics(track, session),
        ("too_loud", Some(track)) => too_loud(track, session),
        (_, Some(track)) => on_track(planted, track),
        _ => None,
    }
}

fn on_track(planted: &Planted, track: &Strip) -> Option<Path> {
    let amount = planted.amount;
    match planted.fault {
        "dc_offset" => rumble_filter(track, |filter| filter.remove_dc),
        "rumble" => rumble_filter(track, |filter| {
            filter.slope != rumble::Slope::Db12 && (15.0..=60.0).contains(&filter.freq_hz)
        }),
        "hum" => {
            let mains_hz = first_hz(&planted.what)?;
            let cut = |times: f64| {
                let near = move |b: &Band| (b.hz - times * mains_hz).abs() < 1.0 && b.q >= 8.0;
                band(track, move |b| b.is_gain() && near(b) && b.gain_db <= -10.0)
            };
            let subtracts = |i: &Insert| {
                let settings = (i.kind.id == dehum::KIND.id).then(|| dehum::Settings::from_values(&i.values));
                let wanted = if mains_hz < 55.0 { dehum::Mains::Hz50 } else { dehum::Mains::Hz60 };
                settings.is_some_and(|dehum| dehum.mains == wanted && dehum.harmonics >= 3.0)
            };
            with(track, subtracts).or_else(|| cut(2.0).and(cut(3.0)).and(cut(1.0)))
        }
        "clipping" => with(track, |i| {
            let values = (i.kind.id == declip::KIND.id).then(|| declip::Settings::from_values(&i.values));
            values.is_some_and(|declip| declip.rise_db >= 3.0 && declip.ceiling_db < 0.0)
        }),
        "clicks" => with(track, |i| {
            i.kind.id == declick::KIND.id
                && declick::Settings::from_values(&i.values).sensitivity_percent >= 30.0
        }),
        "polarity" => track.invert.then(|| track.path().child("invert")),
        "late_microphone" => {
            // It is planted later by `amount` milliseconds, beyond what its distance explains.
            let ms = -track.delay_frames * 1e3 / f64::from(demo::SESSION_RATE_HZ);
            (amount - 0.2..=amount + 2.0).contains(&ms).then(|| track.path().child("delay_frames"))
        }
        "noise" => with(track, |i| {
            let gate = (i.kind.id == gate::KIND.id).then(|| gate::Settings::from_values(&i.values));
            let denoise = (i.kind.id == denoise::KIND.id).then(|| denoise::Settings::from_values(&i.values));
            gate.is_some_and(|gate| gate.range_db >= 6.0 && gate.threshold_db > amount)
                || denoise.is_some_and(|denoise| denoise.reduction_db >= 6.0 && !denoise.print.is_empty())
        }),
        "too_quiet" => {
            // Half of the way to the working level of -18 dBFS at least; peaks may forbid the rest.
            (track.trim_db >= 0.5 * (-18.0 - amount)).then(|| track.path().child("trim_db"))
        }
        "ring" => band(track, |b| {
            b.is_gain() && b.gain_db <= -3.0 && b.q >= 3.0 && octaves(b.hz, amount) <= 1.0 / 3.0
        }),
        "mud" => {
            // As wide as mud is: narrow cuts are for something else.
            let wide = |b: &Band| b.is_gain() && b.q <= 2.0 && (200.0..=450.0).contains(&b.hz);
            band(track, |b| wide(b) && b.gain_db <= -amount / 4.0)
        }
        "bleed" => with(track, |i| {
            i.kind.id == gate::KIND.id && gate::Settings::from_values(&i.values).range_db >= 6.0
        }),
        "uneven" => with(track, |i| {
            i.kind.id == compressor::KIND.id && compressor::Settings::from_values(&i.values).ratio >= 1.5
        }),
        "sibilance" => with(track, |i| {
            i.kind.id == de_esser::KIND.id
                && de_esser::Settings::from_values(&i.values).range_db >= amount / 4.0
        }),
        "dull" => band(track, |b| b.is_gain() && b.gain_db >= amount / 4.0 && b.hz >= 3_000.0),
        "line_drops" => {
            let lane = fader_lane(track)?;
            // Raised against the line before, as it dropped against that, by a quarter of it.
            let before: Vec<(f64, f64)> =
                planted.places_s.iter().map(|(from, to)| (from - (to - from), *from)).collect();
            let raised = mean_over(lane, &planted.places_s) - mean_over(lane, &before);
            let ridden = (raised >= amount / 4.0).then(|| track.path().child("automation").child("fader_db"));
            // A take whose phrases lie that far apart is evened out before anything else, and needs no ride any more.
            let levelled = |i: &Insert| {
                i.kind.id == leveller::KIND.id
                    && leveller::Settings::from_values(&i.values).range_db >= amount / 4.0
            };
            ridden.or_else(|| with(track, levelled))
        }
        "out_of_phase" => with(track, |i| {
            let values = (i.kind.id == gain::KIND.id).then(|| gain::Settings::from_values(&i.values));
            values.is_some_and(|gain| gain.invert_left != gain.invert_right)
        }),
        "booming_note" => {
            let hz = first_hz(&planted.what)?;
            let near = move |b: &Band| octaves(b.hz, hz) <= 1.5 / 12.0 && b.q >= 2.0;
            band(track, move |b| b.is_gain() && b.gain_db <= -amount / 4.0 && near(b))
        }
        "lopsided_low_end" => with(track, |i| {
            i.kind.id == width::KIND.id
                && width::Settings::from_values(&i.values).mono_below_hz >= 0.8 * amount
        }),
        "hot_hit" => {
            let lane = fader_lane(track)?;
            let lowest = |(from, to): &(f64, f64)| {
                let steps = (0..=20).map(|n| from + (to - from) * f64::from(n) / 20.0);
                steps.map(|t| lane.value_at(t)).fold(f64::INFINITY, f64::min)
            };
            let down = track.fader_db - planted.places_s.first().map(lowest)?;
            // Elsewhere the part stays as it is.
            let alone = (mean_of(lane) - track.fader_db).abs() < 0.5;
            (down >= amount / 4.0 && alone).then(|| track.path().child("automation").child("fader_db"))
        }
        _ => None,
    }
}

/// An insert against direct current and rumble that is set so.
fn rumble_filter(track: &Strip, wanted: impl Fn(&rumble::Settings) -> bool) -> Option<Path> {
    with(track, |i| i.kind.id == rumble::KIND.id && wanted(&rumble::Settings::from_values(&i.values)))
}

fn path(parts: &[&str]) -> Path {
    Path::new(parts.iter().copied())
}

fn octaves(a: f64, b: f64) -> f64 {
    (a / b).log2().abs()
}

/// The first frequency in hertz that a text names.
fn first_hz(text: &str) -> Option<f64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = words.iter().position(|word| word.trim_end_matches([',', '.']) == "Hz")?;
    words[place.checked_sub(1)?].parse().ok()
}

/// A band of an equaliser.
struct Band {
    shape: &'static str,
    hz: f64,
    gain_db: f64,
    q: f64,
}

impl Band {
    fn is_gain(&self) -> bool {
        matches!(self.shape, "bell" | "high_shelf" | "low_shelf")
    }
}

/// The first band of a track's equalisers that fits.
fn band(track: &Strip, fits: impl Fn(&Band) -> bool) -> Option<Path> {
    for insert in track.inserts.iter().filter(|insert| insert.kind.id == eq::KIND.id && !insert.bypass) {
        let settings = eq::Settings::from_values(&insert.values);
        for (place, b) in settings.bands.iter().enumerate() {
            let shape = eq::Shape::BASE.choices[b.r#type.number() as usize].id;
            let band = Band { shape, hz: b.freq_hz, gain_db: b.gain_db, q: b.q };
            if fits(&band) {
                let insert_path = track.path().child("insert").child(&insert.id);
                return Some(insert_path.child("bands").child(insert.item_name(0, place)));
            }
        }
    }
    None
}

/// The first insert of a track that fits.
fn with(track: &Strip, fits: impl Fn(&Insert) -> bool) -> Option<Path> {
    let insert = track.inserts.iter().find(|insert| !insert.bypass && fits(insert))?;
    Some(track.path().child("insert").child(&insert.id))
}

fn fader_lane(track: &Strip) -> Option<&Lane> {
    track.lanes.iter().find(|lane| lane.target == LaneTarget::Fader)
}

/// Mean value of a lane over places in seconds.
fn mean_over(lane: &Lane, places_s: &[(f64, f64)]) -> f64 {
    const STEPS: u32 = 50;
    let values = places_s.iter().flat_map(|(from, to)| {
        (0..STEPS).map(move |n| from + (to - from) * (f64::from(n) + 0.5) / f64::from(STEPS))
    });
    let (sum, count) = values.fold((0.0, 0), |(sum, count), t| (sum + lane.value_at(t), count + 1));
    sum / f64::from(count.max(1))
}

/// Mean value of a lane from five seconds before its first point to five after its last.
fn mean_of(lane: &Lane) -> f64 {
    match (lane.points.first(), lane.points.last()) {
        (Some(first), Some(last)) => mean_over(lane, &[(first.time_s - 5.0, last.time_s + 5.0)]),
        _ => 0.0,
    }
}

/// The pad has to come down against the lead by most of what it was too loud.
fn too_loud(track: &Strip, session: &Session) -> Option<Path> {
    let level = |strip: &Strip| strip.trim_db + strip.fader_db;
    let lead = session.tracks.values().find(|strip| strip.role.as_deref() == Some("lead_vocal"))?;
    (level(track) - level(lead) <= -6.0).then(|| track.path().child("fader_db"))
}

/// A saturator on the track or on a path that it is sent to, driven so that it makes overtones, and heard.
fn no_harmonics(track: &Strip, session: &Session) -> Option<Path> {
    let drives = |insert: &Insert| {
        let drive =
            (insert.kind.id == saturator::KIND.id).then(|| saturator::Settings::from_values(&insert.values));
        drive.is_some_and(|drive| drive.drive_db >= 6.0 && drive.mix_percent >= 20.0)
    };
    let path =
        |id: &str| session.returns.get(id).filter(|to| to.fader_db > -40.0 && with(to, drives).is_some());
    let sent = track.sends.iter().filter(|send| send.level_db > -40.0).find_map(|send| path(&send.to));
    with(track, drives).or_else(|| sent.map(Strip::path))
}

/// A reverb that the lead voice is sent to, and is heard.
fn dry(session: &Session) -> Option<Path> {
    let lead = session.tracks.values().find(|strip| strip.role.as_deref() == Some("lead_vocal"))?;
    let reverberates = |id: &str| {
        let to = session.returns.get(id)?;
        to.inserts.iter().find(|insert| insert.kind.id == "reverb").map(|_| to.path())
    };
    lead.sends.iter().filter(|send| send.level_db > -40.0).find_map(|send| reverberates(&send.to))
}

/// Whether a finished song has the treble that its tracks lost, and that in words: all of it but a third against what
/// the same tracks have in a rough balance. How it came back, by faders, by equalisers or in the master, is a matter of the
/// song: most of the treble is cymbals and shakers, which a balance by loudness raises when they are dark.
pub(super) fn bright_again(planted: &Planted, rough_db: f64, finished: &[BandLevel]) -> Option<String> {
    let level_db = |hz: f64| finished.iter().find(|band| band.hz == hz)?.db;
    let mean_db = |places_hz: [f64; 3]| {
        let levels: Option<Vec<f64>> = places_hz.into_iter().map(level_db).collect();
        levels.map(|levels| levels.iter().sum::<f64>() / 3.0)
    };
    let now_db = mean_db([8_000.0, 10_000.0, 12_500.0])? - mean_db([800.0, 1_000.0, 1_250.0])?;
    (now_db >= rough_db - planted.amount / 3.0).then(|| {
        format!(
            "The master has its treble (8 to 12.5 kHz) {now_db:+.1} dB against its middle (800 Hz to 1.25 kHz); before \
             they became dark the tracks had {rough_db:+.1} dB in a rough balance. Faders that go by loudness and \
             clarity for the voices have made up for it."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::Values;
    use session::StripClass;

    fn planted(fault: &'static str, amount: f64, what: &str) -> Planted {
        Planted {
            step: 1,
            track: "it.wav",
            fault,
            what: what.into(),
            amount,
            unit: "dB",
            places_s: vec![(1.0, 2.0)],
        }
    }

    fn with_bell(hz: f64, gain_db: f64, q: f64) -> Strip {
        let mut strip = Strip::new(StripClass::Track, "it");
        let mut insert = Insert::new("eq", &eq::KIND);
        insert.values = Values::neutral(&eq::KIND);
        insert.values.push(&eq::KIND, "bands").unwrap();
        for (name, value) in [("freq_hz", hz), ("gain_db", gain_db), ("q", q)] {
            insert.values.set(&eq::KIND, &format!("bands.0.{name}"), value).unwrap();
        }
        strip.inserts.push(insert);
        strip
    }

    #[test]
    fn a_song_is_dark_until_its_treble_is_back() {
        let bands = |treble_db: f64| -> Vec<BandLevel> {
            let level = |hz: f64| if hz > 5_000.0 { treble_db } else { -30.0 };
            [800.0, 1_000.0, 1_250.0, 8_000.0, 10_000.0, 12_500.0]
                .map(|hz| BandLevel { hz, db: Some(level(hz)) })
                .to_vec()
        };
        let dark = planted("dark", 3.0, "Dark.");
        // It had -10 dB: the session's -13 dB, half a decibel more than that, and all but a third of it.
        assert!(bright_again(&dark, -10.0, &bands(-43.0)).is_none());
        assert!(bright_again(&dark, -10.0, &bands(-41.1)).is_none());
        assert!(bright_again(&dark, -10.0, &bands(-40.9)).unwrap().contains("-10.9 dB"));
        assert!(bright_again(&dark, -10.0, &[]).is_none());
    }

    #[test]
    fn only_the_right_place_sign_and_size_answer() {
        let mud = planted("mud", 6.0, "Mud.");
        assert!(on_track(&mud, &with_bell(300.0, -2.0, 1.0)).is_some());
        // Another place, another sign, next to nothing, and no band at all.
        for (hz, gain_db) in [(900.0, -3.0), (300.0, 3.0), (300.0, -0.6)] {
            assert!(on_track(&mud, &with_bell(hz, gain_db, 1.0)).is_none(), "{hz} Hz {gain_db} dB");
        }
        assert!(on_track(&mud, &Strip::new(StripClass::Track, "it")).is_none());
        let boom = planted("booming_note", 9.0, "around 49.0 Hz the bass is louder");
        assert!(on_track(&boom, &with_bell(48.5, -5.0, 6.0)).is_some());
        assert!(on_track(&boom, &with_bell(62.0, -5.0, 6.0)).is_none());
    }
}
