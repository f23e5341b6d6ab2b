//! The little air there is around a microphone in a good small room.

use crate::filter::{Biquad, OnePole};

/// Adds a small room to a close recording: `wet` times the room's answer, about 0.45 s to -60 dB.
///
/// M. Schroeder, *Natural sounding artificial reverberation*, JAES 10(3), 1962: parallel combs with
/// different lengths, then an all-pass; each comb's loop is dulled as walls dull.
pub(crate) fn add_room(samples: &mut [f64], wet: f64, rate_hz: f64) {
    const DECAY_S: f64 = 0.45;
    const COMBS_S: [f64; 4] = [0.017_3, 0.020_9, 0.024_7, 0.029_3];
    const ALL_PASS_S: f64 = 0.004_7;
    let mut combs: Vec<(Vec<f64>, usize, f64, OnePole)> = COMBS_S
        .iter()
        .map(|&s| {
            let frames = (s * rate_hz).round() as usize;
            (vec![0.0; frames], 0, 10f64.powf(-3.0 * s / DECAY_S), OnePole::low_pass(5500.0, rate_hz))
        })
        .collect();
    let mut diffuser = vec![0.0; (ALL_PASS_S * rate_hz).round() as usize];
    let mut place = 0;
    // The low end of a small room is what an engineer takes away first.
    let mut low_cut = Biquad::high_pass(180.0, 0.7, rate_hz);
    for x in samples.iter_mut() {
        let mut sum = 0.0;
        for (line, at, gain, damp) in &mut combs {
            let out = line[*at];
            // The tiny constant keeps a dying loop out of the slow range of denormal numbers.
            line[*at] = *x + *gain * damp.process(out) + 1e-20;
            *at = if *at + 1 == line.len() { 0 } else { *at + 1 };
            sum += out;
        }
        let held = diffuser[place];
        let into = sum * 0.25 - 0.6 * held;
        diffuser[place] = into;
        place = if place + 1 == diffuser.len() { 0 } else { place + 1 };
        *x += wet * low_cut.process(held + 0.6 * into);
    }
}
