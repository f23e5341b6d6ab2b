//! What a signal reads at another level, told without hearing it again.
//!
//! Sums of squares grow with the square of a gain and samples with the gain itself; whatever stands against a threshold
//! (gates, what counts as playing, the ends that are quiet) is only decided when the readings are made, and is decided anew.

use super::{Analyser, Analysis, Meters};

/// A signal that was heard once, and whose readings can be told at any level.
#[derive(Clone)]
pub struct AtAnyLevel(Box<Analyser>);

impl Analyser {
    /// What is needed to tell the readings of all that was taken at another level: 6 kilobytes a second of a stereo signal
    /// with all series, and 2 megabytes.
    ///
    /// What a recording is asked and no strip is not told of another level: pitch, hum, clicks, dropouts, bits, clipped runs,
    /// and music.
    pub fn at_any_level(&self) -> AtAnyLevel {
        let mut options = self.options;
        (options.pitch, options.clicks, options.clipping, options.music) = (false, false, false, false);
        options.course = false;
        let Meters { energy, true_peak, levels, dynamic_range, long_term, erb, .. } = &self.meters;
        let meters = Meters {
            energy: energy.clone(),
            true_peak: true_peak.clone(),
            levels: levels.clone(),
            clipping: None,
            tops: None,
            dynamic_range: dynamic_range.clone(),
            long_term: long_term.clone(),
            erb: erb.clone(),
            chroma: None,
        };
        let (sample_rate_hz, binner) = (self.sample_rate_hz, self.binner.clone());
        AtAnyLevel(Box::new(Analyser { sample_rate_hz, options, binner, meters, recording: None }))
    }
}

impl AtAnyLevel {
    /// The readings of the signal with every sample multiplied by `gain`, which may turn its polarity; they differ from those
    /// of hearing it by rounding. `None` of a signal that held what is no usable number: which samples those are depends on
    /// the level.
    pub fn at(self, gain: f64) -> Option<Analysis> {
        let mut analyser = *self.0;
        if analyser.binner.dirty_samples() > 0 || !gain.is_finite() || gain == 0.0 {
            return None;
        }
        analyser.binner.amplify(gain);
        let Meters { energy, true_peak, levels, dynamic_range, long_term, erb, .. } = &mut analyser.meters;
        energy.amplify(gain);
        true_peak.amplify(gain);
        levels.iter_mut().for_each(|levels| levels.amplify(gain));
        dynamic_range.amplify(gain);
        long_term.iter_mut().for_each(|meter| meter.amplify(gain));
        erb.iter_mut().for_each(|meter| meter.amplify(gain));
        Some(analyser.finish())
    }
}
