//! Sessions for property tests: every processor of the registry, every kind of setting.

use crate::{
    Curve, Insert, Lane, LaneTarget, Path, Point, Section, Send, Session, Strip, StripClass, VERSION,
};
use dsp::{Address, Class, KINDS, Param, Taper};
use proptest::prelude::*;
use std::path::PathBuf;

/// Choices made one after another from random numbers: a session is too entangled for nested strategies.
struct Dice {
    rolls: Vec<u32>,
    next: usize,
}

impl Dice {
    /// A number under `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        let roll = self.rolls[self.next % self.rolls.len()];
        self.next += 1;
        (roll as usize).wrapping_mul(2_654_435_761) / 7 % sides.max(1)
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        match self.roll(8) {
            0 => low,
            1 => high,
            // Two decimals as people write, and values that need all digits.
            2..=5 => ((low + (high - low) * self.roll(1001) as f64 / 1000.0) * 100.0).round() / 100.0,
            _ => low + (high - low) * self.roll(1_000_003) as f64 / 1_000_003.0,
        }
        .clamp(low, high)
    }

    fn text(&mut self) -> String {
        let words = ["Rye", "and \"Rain\"", "ä # no comment", "#~ neither", "C:\\x", "[a]", "", "="];
        words[self.roll(words.len())].to_string()
    }

    fn value(&mut self, param: &Param) -> f64 {
        if self.chance(3) {
            return param.default;
        }
        match param.class {
            Class::Number => self.between(param.min, param.max),
            _ => (param.min + self.roll((param.max - param.min) as usize + 1) as f64).min(param.max),
        }
    }
}

/// As many cases as the whole crate's tests can afford; failures are printed, not kept in files.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 48,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any usable session.
pub(crate) fn sessions() -> impl Strategy<Value = Session> {
    prop::collection::vec(any::<u32>(), 40..200).prop_map(|rolls| session(&mut Dice { rolls, next: 0 }))
}

fn session(dice: &mut Dice) -> Session {
    let mut session = Session { version: VERSION, seed: dice.roll(100) as u64, ..Session::default() };
    session.engine = if dice.chance(2) { String::new() } else { "0.1.0".into() };
    if dice.chance(2) {
        session.song.title = Some(dice.text());
        session.song.notes = Some(dice.text());
        session.song.tempo_bpm = Some(dice.between(20.0, 400.0));
        session.song.sample_rate_hz = Some(48_000);
        session.song.left_out = files(dice);
        session.song.sections = (0..dice.roll(3))
            .map(|place| Section { name: dice.text(), start_s: place as f64 * 10.25 })
            .collect();
    }
    let ids = |names: &[&str], dice: &mut Dice| -> Vec<String> {
        let chosen: Vec<String> =
            names.iter().filter(|_| !dice.chance(3)).map(|name| name.to_string()).collect();
        if dice.chance(2) { chosen.into_iter().rev().collect() } else { chosen }
    };
    let tracks = ids(&["kick", "vox", "gtr-ä", "2", "insert"], dice);
    let buses = ids(&["drums", "band"], dice);
    let returns = ids(&["plate", "slap_db"], dice);
    for id in &tracks {
        let mut strip = channel(StripClass::Track, id, &tracks, &buses, &returns, dice);
        strip.files = files(dice);
        strip.delay_frames = if dice.chance(2) { 0.0 } else { dice.between(-100.0, 100.0) };
        strip.start_s = if dice.chance(2) { 0.0 } else { dice.between(0.0, 10.0) };
        session.add(strip);
    }
    for (place, id) in buses.iter().enumerate() {
        // Buses feed only later buses, and listen to tracks: no circles.
        let strip = channel(StripClass::Bus, id, &tracks, &buses[place + 1..], &returns, dice);
        session.add(strip);
    }
    for id in &returns {
        session.add(channel(StripClass::Return, id, &tracks, &[], &[], dice));
    }
    let keys: Vec<String> = session.channels().map(|strip| strip.id.clone()).collect();
    inserts(&mut session.premaster.strip, &keys, dice);
    inserts(&mut session.master.strip, &keys, dice);
    session.premaster.peak_dbfs = Some(-6.0).filter(|_| dice.chance(2));
    session.master.loudness_lufs = Some(-14.0).filter(|_| dice.chance(2));
    session.master.start_s = if dice.chance(2) { 0.25 } else { 0.0 };
    session.master.end_s = Some(181.5).filter(|_| dice.chance(2));
    session.master.fade_in_s = if dice.chance(2) { 0.002 } else { 0.0 };
    session.master.fade_out_s = if dice.chance(2) { 8.0 } else { 0.0 };
    session.deliver.targets = (0..dice.roll(3)).map(|_| dice.text()).collect();
    session
}

fn files(dice: &mut Dice) -> Vec<PathBuf> {
    #[cfg(unix)]
    if dice.chance(4) {
        use std::os::unix::ffi::OsStringExt;
        return vec![PathBuf::from(std::ffi::OsString::from_vec(b"audio/caf\xe9 1.wav".to_vec()))];
    }
    ["keys L.wav", "keys R.wav"].iter().take(1 + dice.roll(2)).map(PathBuf::from).collect()
}

fn channel(
    class: StripClass,
    id: &str,
    tracks: &[String],
    buses: &[String],
    returns: &[String],
    dice: &mut Dice,
) -> Strip {
    let mut strip = Strip::new(class, id);
    strip.label = Some(dice.text()).filter(|_| dice.chance(3));
    strip.role = Some(dice.text()).filter(|_| dice.chance(3));
    strip.bus = buses.get(dice.roll(buses.len() + 1)).cloned();
    strip.trim_db = if dice.chance(2) { 0.0 } else { dice.between(-60.0, 60.0) };
    strip.fader_db = if dice.chance(2) { 0.0 } else { dice.between(-120.0, 24.0) };
    strip.pan = if dice.chance(2) { 0.0 } else { dice.between(-100.0, 100.0) };
    strip.invert = dice.chance(3);
    strip.mute = dice.chance(3);
    for pre_fader in [false, true] {
        for to in returns {
            if dice.chance(2) && strip.sends.iter().all(|send| send.to != *to) {
                strip.sends.push(Send { to: to.clone(), level_db: dice.between(-60.0, 0.0), pre_fader });
            }
        }
    }
    // Only buses listen to tracks, for tracks that listen to each other may make a circle.
    inserts(&mut strip, if class == StripClass::Bus { tracks } else { &[] }, dice);
    lanes(&mut strip, dice);
    strip
}

fn inserts(strip: &mut Strip, keys: &[String], dice: &mut Dice) {
    for _ in 0..dice.roll(4) {
        let kind = KINDS[dice.roll(KINDS.len())];
        let own = ["first", "second", "third"][dice.roll(3)];
        let id = if dice.chance(4) { own.to_string() } else { strip.next_insert_id(kind.id) };
        if strip.insert(&id).is_some() {
            continue;
        }
        let mut insert = Insert::new(id, kind);
        insert.bypass = dice.chance(4);
        insert.key = keys.get(dice.roll(keys.len() + 2)).filter(|_| kind.key_input).cloned();
        insert.impulse_response =
            Some("halls/Große Halle.wav".into()).filter(|_| kind.impulse_response && dice.chance(2));
        for (field, param) in kind.params.iter().enumerate() {
            insert.values.put(Address::Field(field), dice.value(param));
        }
        for (group, description) in kind.groups.iter().enumerate() {
            for item in 0..dice.roll(4).min(description.max) {
                let values = description.params.iter().map(|param| dice.value(param)).collect();
                insert.values.groups[group].push(values);
                let name = ["mud", "air", "box"][item.min(2)].to_string();
                insert.item_names[group].push(Some(name).filter(|_| dice.chance(2)));
            }
        }
        strip.inserts.push(insert);
    }
}

fn lanes(strip: &mut Strip, dice: &mut Dice) {
    let mut candidates = vec![
        (LaneTarget::Fader, Path::new(["fader_db"]), Curve::Linear, (-120.0, 24.0)),
        (LaneTarget::Pan, Path::new(["pan"]), Curve::Linear, (-100.0, 100.0)),
    ];
    for send in &strip.sends {
        let name = Path::new(["send".to_string(), format!("{}_db", send.to)]);
        candidates.push((LaneTarget::Send(send.to.clone()), name, Curve::Linear, (-120.0, 24.0)));
    }
    for insert in &strip.inserts {
        for address in insert.values.addresses() {
            let param = insert.kind.param(address);
            let setting = insert.setting_name(address);
            let name = Path::new(["insert", &insert.id].into_iter().chain(setting.split('.')));
            let curve = match (param.class, param.taper) {
                (Class::Number, Taper::Linear) => Curve::Linear,
                (Class::Number, Taper::Logarithmic) => Curve::Logarithmic,
                _ => Curve::Step,
            };
            if !param.fixed {
                let target = LaneTarget::Insert { id: insert.id.clone(), address };
                candidates.push((target, name, curve, (param.min, param.max)));
            }
        }
    }
    for (target, name, curve, (low, high)) in candidates {
        if dice.chance(5) {
            let point = |place: usize, dice: &mut Dice| Point {
                time_s: place as f64 * 1.5,
                value: dice.between(low, high),
            };
            let points = (0..1 + dice.roll(3)).map(|place| point(place, dice)).collect();
            strip.lanes.push(Lane { target, name, curve, points });
        }
    }
}
