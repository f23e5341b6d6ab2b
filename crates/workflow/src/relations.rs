//! How the microphones of one source stand to each other: delay, polarity, and what mending both is worth.

use crate::listen::{render_options, untouched};
use crate::{Context, WorkflowError};
use assistant::Relation;
use audio::{Buffer, Layout};
use engine::{Plan, Sources, Tap};
use measure::Options;
use session::Session;

/// Farther than any microphone of one source stands from another: 10 m at 340 m/s.
const MAX_LAG_S: f64 = 0.030;

/// The bands whose sum tells whether two microphones add up, in hertz: below lies rumble, above combing.
const BODY_HZ: (f64, f64) = (60.0, 500.0);

/// Measures every pair that the assistant asks for.
pub(crate) fn measure(
    session: &Session,
    sources: &Sources,
    context: &Context,
) -> Result<Vec<Relation>, WorkflowError> {
    let pairs = assistant::microphone_groups(session);
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    context.listener.stage("comparing microphones", None);
    let plan = engine::compile(&untouched(session), sources)?;
    let mut relations = Vec::new();
    for (place, (track, reference)) in pairs.iter().enumerate() {
        context.check()?;
        context.listener.progress(place as f64 / pairs.len() as f64);
        let far = alone(&plan, sources, track, context)?;
        let near = alone(&plan, sources, reference, context)?;
        let rate = f64::from(plan.sample_rate_hz);
        let Some(found) = measure::delay_and_polarity(&near.as_block(), &far.as_block(), rate, MAX_LAG_S)?
        else {
            continue;
        };
        let before = body_db(session, sources, (track, reference), None, context)?;
        let after = body_db(session, sources, (track, reference), Some(&found), context)?;
        relations.push(Relation {
            track: track.clone(),
            reference: reference.clone(),
            lag_frames: found.delay_frames,
            inverted: found.inverted,
            confidence: found.confidence,
            correlation: found.correlation.abs(),
            gain_db: after - before,
        });
    }
    Ok(relations)
}

fn alone(plan: &Plan, sources: &Sources, track: &str, context: &Context) -> Result<Buffer, WorkflowError> {
    let node = plan.node(&format!("track.{track}")).expect("every track has a node");
    let options = render_options(context, &|_| {}, None);
    Ok(engine::render_to_buffer(plan, sources, node, Tap::PreFader, &options)?)
}

/// Level of the sum of two tracks in the body of the sound, with or without the mend.
fn body_db(
    session: &Session,
    sources: &Sources,
    (track, reference): (&str, &str),
    mend: Option<&measure::Alignment>,
    context: &Context,
) -> Result<f64, WorkflowError> {
    let mut both = untouched(session);
    both.tracks.retain(|id, _| id == track || id == reference);
    if let (Some(mend), Some(strip)) = (mend, both.strip_mut(track)) {
        strip.delay_frames = -mend.delay_frames;
        strip.invert = mend.inverted;
    }
    let plan = engine::compile(&both, sources)?;
    let options = render_options(context, &|_| {}, None);
    let sum = engine::render_to_buffer(&plan, sources, plan.nodes.len() - 1, Tap::Output, &options)?;
    let spectrum =
        Options { true_peak_factor: 4, spectrum: true, pitch: false, music: false, ..Options::default() };
    let facts =
        measure::analyse(&sum.as_block(), f64::from(plan.sample_rate_hz), Layout::Stereo, spectrum)?.facts;
    let bands = facts.third_octave_db.iter().filter(|b| (BODY_HZ.0..=BODY_HZ.1).contains(&b.hz));
    let power: f64 = bands.filter_map(|b| b.db).map(audio::db_to_power).sum();
    Ok(audio::power_to_db(power.max(1e-24)))
}
