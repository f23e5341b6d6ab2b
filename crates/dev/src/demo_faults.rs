//! What is wrong with the demo song.

use crate::markdown::{GENERATED, code, number, sentence, table};
use demo::Take;
use session::StepId;

/// The seed that `tonmeister demo` takes when none is given.
const SEED: u64 = 1;

pub(crate) fn page() -> String {
    let mut roles = Vec::new();
    let sheet = demo::each_track(SEED, Take::Faulty, |track| {
        let channels = if track.audio.channels() == 1 { "mono" } else { "stereo" };
        roles.push(vec![
            track.file_name.to_string(),
            track.role.to_string(),
            format!("{channels}, {} Hz, {} bits", track.sample_rate_hz, track.format.bits()),
        ]);
    });
    let faults = sheet.planted.iter().map(|fault| {
        let step = StepId::ALL.iter().find(|step| step.number() == fault.step);
        let step = step.map_or(String::new(), |step| format!("{} {}", fault.step, step.label()));
        vec![step, fault.track.to_string(), code(fault.fault), sentence(&fault.what)]
    });
    let sections: Vec<String> =
        sheet.sections.iter().map(|(name, start_s)| format!("{name} at {} s", number(*start_s, 1))).collect();
    format!(
        "# What is planted in the demo\n\n{GENERATED}\n\n\"{}\", {} beats per minute: {}. Every amount is exact, because the \
         song is computed from its seed (here {SEED}, that of `tonmeister demo`); another seed plays another take.\n\n\
         ## The faults\n\n{}\n## The tracks\n\n{}",
        sheet.title,
        number(sheet.tempo_bpm, 1),
        sections.join(", "),
        table(&["step", "track", "fault", "what is wrong"], faults.collect::<Vec<_>>()),
        table(&["file", "what it is", "form"], roles)
    )
}
