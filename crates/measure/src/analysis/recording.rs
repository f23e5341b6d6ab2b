//! What a recording is asked once, and no mix.

use super::{Blemishes, Options};
use crate::activity::Activity;
use crate::bins::Binner;
use crate::clicks::Clicks;
use crate::depth::Depth;
use crate::dropouts::Dropouts;
use crate::facts::{ChannelFacts, Facts};
use crate::hum::HumMeter;
use crate::levels::{Levels, Sums};
use crate::pitch::Pitch;
use crate::stats::{nearest_rank, sorted};
use audio::BlockRef;

/// The meters of a recording. They hear the signal by themselves, so that this may be done while the others hear it: together
/// they are nearly half of the work.
#[derive(Clone)]
pub(super) struct Recording {
    binner: Binner,
    meters: Meters,
}

#[derive(Clone)]
struct Meters {
    pitch: Option<Pitch>,
    hum: Option<HumMeter>,
    clicks: Option<Clicks>,
    dropouts: Option<Dropouts>,
    depth: Option<Depth>,
}

impl Meters {
    fn take(&mut self, bin: &BlockRef) {
        if let Some(meter) = &mut self.pitch {
            meter.push(bin);
        }
        if let Some(meter) = &mut self.hum {
            meter.push(bin);
        }
        if let Some(meter) = &mut self.clicks {
            meter.push(bin);
        }
        if let Some(meter) = &mut self.dropouts {
            meter.bin(bin);
        }
        if let Some(meter) = &mut self.depth {
            meter.push(bin);
        }
    }
}

impl Recording {
    /// The meters that are asked for; `None` where none is.
    pub(super) fn new(sample_rate_hz: f64, channels: usize, options: Options) -> Option<Recording> {
        let some = channels > 0 && options.levels;
        let clicks = some && (options.pitch || options.clicks);
        let meters = Meters {
            pitch: (some && options.pitch).then(|| Pitch::new(sample_rate_hz)),
            hum: (some && options.pitch).then(|| HumMeter::new(sample_rate_hz, channels)),
            clicks: clicks.then(|| Clicks::new(sample_rate_hz, channels)),
            dropouts: options.pitch.then(|| Dropouts::new(sample_rate_hz, channels)),
            depth: options.pitch.then(Depth::default),
        };
        let binner = Binner::new(sample_rate_hz, channels);
        (options.pitch || clicks).then_some(Recording { binner, meters })
    }

    pub(super) fn push(&mut self, block: &BlockRef) {
        let meters = &mut self.meters;
        self.binner.push(block, |bin| meters.take(bin));
    }

    /// Puts what was found into the facts and the blemishes, and gives the pitch of every 100 ms.
    pub(super) fn finish(
        self,
        facts: &mut Facts,
        blemishes: &mut Blemishes,
        levels: &Levels,
        activity: &Activity,
    ) -> Vec<Option<f32>> {
        let Recording { binner, mut meters } = self;
        if binner.rest().frames() > 0 {
            meters.take(&binner.rest());
        }
        let pitch_hz = meters.pitch.map(|meter| read_pitch(facts, meter, activity)).unwrap_or_default();
        blemishes.subsonic_dbfs = meters.hum.as_ref().and_then(HumMeter::subsonic_dbfs);
        blemishes.hum = meters.hum.and_then(|meter| meter.finish(activity));
        if let Some(meter) = meters.clicks {
            let clipped =
                |(channel, sums): (&ChannelFacts, &Sums)| (channel.clipped_samples > 0).then_some(sums.peak);
            let clipped: Vec<Option<f64>> =
                facts.per_channel.iter().zip(&levels.channels).map(clipped).collect();
            (blemishes.clicks, blemishes.click_places_s) = meter.finish(&clipped);
        }
        if let Some(meter) = meters.dropouts {
            (blemishes.dropouts, blemishes.dropout_places) = meter.finish();
        }
        facts.bits_used = meters.depth.and_then(|meter| meter.finish());
        pitch_hz
    }
}

fn read_pitch(facts: &mut Facts, meter: Pitch, activity: &Activity) -> Vec<Option<f32>> {
    let all: Vec<(f64, Option<f64>)> = meter.finish().collect();
    let pitch_hz = all.iter().map(|(_, hz)| hz.map(|hz| hz as f32)).collect();
    let active: Vec<Option<f64>> =
        all.into_iter().filter(|(time_s, _)| activity.near(*time_s)).map(|(_, hz)| hz).collect();
    if active.is_empty() {
        return pitch_hz;
    }
    let pitches = sorted(active.iter().flatten().copied());
    facts.pitched_share = Some(pitches.len() as f64 / active.len() as f64);
    facts.pitch_low_hz = nearest_rank(&pitches, 0.05);
    facts.pitch_median_hz = nearest_rank(&pitches, 0.5);
    facts.pitch_high_hz = nearest_rank(&pitches, 0.95);
    pitch_hz
}
