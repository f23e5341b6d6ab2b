//! The drum kit's eight files.

use audio::{db_to_gain, gain_to_db};

use super::{Level, Session, label};
use crate::Track;
use crate::drums::Drum;
use crate::faults;
use crate::groove::{Hit, drummer};
use crate::kit::{Kit, Mic, delay_frames};
use crate::level::peak;
use crate::room::add_room;

/// The stroke that stands out: bar and beat.
const HOT_HIT: (usize, f64) = (14, 3.0);
const RING_HZ: f64 = 640.0;
const CLIP_AT: f64 = 0.985;

impl<Sink: FnMut(Track)> Session<Sink> {
    pub(super) fn drums(&mut self) {
        let kit = Kit::new(self.score.seed, self.rate_hz);
        let mut hits = drummer(&self.score);
        if self.faulty() {
            strike_too_hard(&mut hits, self.score.at(HOT_HIT.0, HOT_HIT.1));
        }
        self.kick(&kit, &hits);
        self.snare(&kit, &hits);
        self.hat_and_tom(&kit, &hits);
        self.overheads(&kit, &hits);
    }

    fn kick(&mut self, kit: &Kit, hits: &[Hit]) {
        let mut inside = [kit.record(Mic::KickIn, hits, 1.0, self.frames)];
        self.level(&mut inside, Level::Peak(-9.0), -3.0, self.rate_hz);
        let name = "01_Kick In.wav";
        self.hiss(&mut inside[0], name);
        self.hand_in(label(name, "kick_in"), &inside);

        let mut outside = [kit.record(Mic::KickOut, hits, 1.0, self.frames)];
        let name = "02_Kick Out.wav";
        if self.faulty() {
            const LATE_FRAMES: usize = 240;
            faults::delay(&mut outside[0], LATE_FRAMES);
            let ms = LATE_FRAMES as f64 * 1e3 / self.rate_hz;
            let natural = delay_frames(Mic::KickOut, Drum::Kick, self.rate_hz)
                - delay_frames(Mic::KickIn, Drum::Kick, self.rate_hz);
            let what = format!(
                "The outer kick microphone is {LATE_FRAMES} frames ({ms:.1} ms) later than its distance explains; \
                 with the {natural} frames of its distance it follows the inner one by {} frames.",
                LATE_FRAMES + natural
            );
            self.plant(1, name, "late_microphone", (ms, "ms"), Vec::new(), what);
        }
        self.level(&mut outside, Level::Peak(-13.0), -6.0, self.rate_hz);
        self.hiss(&mut outside[0], name);
        self.hand_in(label(name, "kick_out"), &outside);
    }

    fn snare(&mut self, kit: &Kit, hits: &[Hit]) {
        let mut top = [kit.record(Mic::SnareTop, hits, 1.0, self.frames)];
        let name = "03_Snare Top.wav";
        self.level(&mut top, Level::Peak(-9.0), -1.5, self.rate_hz);
        self.hiss(&mut top[0], name);
        if self.faulty() {
            self.hot_hit(name, &top[0], hits);
            self.ring(name, &mut top[0], hits);
        }
        self.hand_in(label(name, "snare_top"), &top);

        let mut bottom = [kit.record(Mic::SnareBottom, hits, 1.0, self.frames)];
        let name = "04_Snare Btm.wav";
        if self.faulty() {
            faults::flip(&mut bottom[0]);
            let what = "The microphone under the snare has its polarity turned round against the one above.";
            self.plant(1, name, "polarity", (180.0, "degrees"), Vec::new(), what);
        }
        self.level(&mut bottom, Level::Peak(-15.0), -7.0, self.rate_hz);
        self.hiss(&mut bottom[0], name);
        self.hand_in(label(name, "snare_bottom"), &bottom);
    }

    fn hot_hit(&mut self, name: &'static str, top: &[f64], hits: &[Hit]) {
        let at_s = self.score.at(HOT_HIT.0, HOT_HIT.1);
        let height = |at_s: f64| {
            let from = self.frame(at_s - 0.01);
            let to = self.frame(at_s + 0.05).min(top.len());
            peak(&[top[from..to].to_vec()])
        };
        let mut others: Vec<f64> = hits
            .iter()
            .filter(|hit| hit.drum == Drum::Snare && hit.velocity > 0.8 && (hit.at_s - at_s).abs() > 0.1)
            .map(|hit| height(hit.at_s))
            .collect();
        others.sort_by(f64::total_cmp);
        let over_db = gain_to_db(height(at_s) / others[others.len() / 2]);
        let what = format!(
            "One snare stroke stands {over_db:.1} dB above the median of the other hard ones: alone it eats the \
             limiter's room."
        );
        self.plant(16, name, "hot_hit", (over_db, "dB"), vec![(at_s - 0.02, at_s + 0.2)], what);
    }

    fn ring(&mut self, name: &'static str, top: &mut [f64], hits: &[Hit]) {
        const DECAY_S: f64 = 0.22;
        let height = db_to_gain(-20.0);
        let delay = delay_frames(Mic::SnareTop, Drum::Snare, self.rate_hz);
        let strokes: Vec<(usize, f64)> = hits
            .iter()
            .filter(|hit| hit.drum == Drum::Snare && hit.velocity > 0.25)
            .map(|hit| (self.frame(hit.at_s) + delay, height * hit.velocity.min(1.1)))
            .collect();
        faults::add_ring(top, &strokes, RING_HZ, DECAY_S, self.rate_hz);
        let what = format!(
            "The snare's head rings at {RING_HZ:.0} Hz after every stroke, starting near -20 dBFS and falling \
             60 dB in {:.1} s, whatever is played.",
            DECAY_S * 6.9
        );
        self.plant(4, name, "ring", (RING_HZ, "Hz"), Vec::new(), what);
    }

    fn hat_and_tom(&mut self, kit: &Kit, hits: &[Hit]) {
        let mut hat = [kit.record(Mic::HiHat, hits, 1.0, self.frames)];
        let name = "05_HiHat.wav";
        self.level(&mut hat, Level::Peak(-19.0), -8.0, self.rate_hz);
        self.hiss(&mut hat[0], name);
        self.hand_in(label(name, "hihat"), &hat);

        const MORE_BLEED_DB: f64 = 9.0;
        let bleed = if self.faulty() { db_to_gain(MORE_BLEED_DB) } else { 1.0 };
        let mut tom = [kit.record(Mic::FloorTom, hits, bleed, self.frames)];
        let name = "06_Floor Tom.wav";
        self.level(&mut tom, Level::Peak(-9.0), 4.0, self.rate_hz);
        self.hiss(&mut tom[0], name);
        if self.faulty() {
            let what = format!(
                "The rest of the kit comes into the floor tom's microphone {MORE_BLEED_DB:.0} dB louder than its \
                 place explains; the tom itself is struck in a few fills only."
            );
            self.plant(5, name, "bleed", (MORE_BLEED_DB, "dB"), Vec::new(), what);
            let clipped = faults::clip(&mut tom[0], CLIP_AT);
            let what = format!(
                "{clipped} samples of the tom's hardest strokes were cut off by the converter at {:.2} dBFS.",
                gain_to_db(CLIP_AT)
            );
            let places = clipped_places_s(&tom[0], self.rate_hz);
            self.plant(1, name, "clipping", (clipped as f64, "samples"), places, what);
        }
        self.hand_in(label(name, "tom_floor"), &tom);
    }

    fn overheads(&mut self, kit: &Kit, hits: &[Hit]) {
        let mics = [Mic::OverheadLeft, Mic::OverheadRight];
        let mut pair = mics.map(|mic| kit.record(mic, hits, 1.0, self.frames));
        if !self.faulty() {
            pair.iter_mut().for_each(|side| add_room(side, 0.22, self.rate_hz));
        }
        self.level(&mut pair, Level::Peak(-10.0), -4.0, self.rate_hz);
        let files = [("07_OH L.wav", "overhead_left"), ("08_OH R.wav", "overhead_right")];
        for ((name, role), side) in files.into_iter().zip(&mut pair) {
            self.hiss(side, name);
            // One side of a pair heard alone is as loud as it is: no gain is added for the missing one.
            let samples = std::mem::take(side);
            self.hand_in(label(name, role), &[samples]);
        }
    }
}

/// Lets the drummer hit one snare stroke much harder.
fn strike_too_hard(hits: &mut [Hit], at_s: f64) {
    for hit in hits.iter_mut().filter(|hit| (hit.at_s - at_s).abs() < 0.05) {
        if matches!(hit.drum, Drum::Snare | Drum::Wires) {
            hit.velocity *= 1.7;
        }
    }
}

/// From the first to the last clipped sample of each stroke.
fn clipped_places_s(samples: &[f64], rate_hz: f64) -> Vec<(f64, f64)> {
    let mut places: Vec<(f64, f64)> = Vec::new();
    for at_s in
        samples.iter().enumerate().filter(|(_, x)| x.abs() >= CLIP_AT).map(|(n, _)| n as f64 / rate_hz)
    {
        match places.last_mut() {
            Some(last) if at_s - last.1 < 0.1 => last.1 = at_s,
            _ => places.push((at_s, at_s)),
        }
    }
    places
}
