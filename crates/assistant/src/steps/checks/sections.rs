//! The balance of a finished mix, section by section: where the lead sinks or stands out, and who holds a band.

use crate::parts::{heard, lead, path_gain_db};
use crate::power::{Rows, lufs};
use crate::{Rules, SongFacts};
use audio::{db_to_power, power_to_db};
use measure::{Analysis, ERB_BANDS, ErbFrames};
use session::{LaneTarget, Session, Strip};

/// A section in which the lead plays for less than this is not judged, in seconds.
const LEAST_S: f64 = 3.0;
/// Sections without names are pieces of about this length, in seconds.
const PIECE_S: f64 = 20.0;
/// The lead may stand this far from where it stands in most sections, in LU: rides of phrases reach as far.
const OFF_LU: f64 = 1.5;
/// And this far under all the rest, in LU, whatever the song does elsewhere: nobody follows it any more.
const LOST_LU: f64 = -9.0;

/// How the lead stands in a section.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadInSection {
    /// The tracks that are the lead.
    pub lead: Vec<String>,
    /// The section's name; the time where it has none.
    pub section: String,
    /// From and to, in seconds.
    pub place_s: (f64, f64),
    /// The lead against all the rest while it plays, in LU.
    pub lead_lu: f64,
    /// What it is in the middle of all sections, in LU.
    pub usual_lu: f64,
}

/// Gain of a track at a time, faders and buses together, in dB.
fn gain_db(session: &Session, track: &Strip, time_s: f64) -> f64 {
    let fader = track.lanes.iter().find(|lane| lane.target == LaneTarget::Fader);
    path_gain_db(session, track) + fader.map_or(track.fader_db, |lane| lane.value_at(time_s))
}

/// Sections with their names, from and to; equal pieces where nobody has named any.
fn sections(facts: &SongFacts, session: &Session) -> Vec<(String, f64, f64)> {
    let named = &session.song.sections;
    if named.is_empty() {
        let pieces = (facts.duration_s / PIECE_S).round().max(1.0);
        let length = facts.duration_s / pieces;
        let piece = |n: usize| (String::new(), n as f64 * length, (n + 1) as f64 * length);
        return (0..pieces as usize).map(piece).collect();
    }
    let mut all = Vec::new();
    for (n, section) in named.iter().enumerate() {
        let to = named.get(n + 1).map_or(facts.duration_s, |next| next.start_s);
        let same = |name: &str| named.iter().filter(|s| s.name == name).count();
        let before = named[..n].iter().filter(|s| s.name == section.name).count();
        let ordinal = ["first", "second", "third", "fourth", "fifth"].get(before).copied().unwrap_or("last");
        let name = match same(&section.name) {
            1 => section.name.clone(),
            _ => format!("{ordinal} {}", section.name),
        };
        all.push((name, section.start_s, to));
    }
    all
}

/// Sections in which the lead stands elsewhere than in the middle of all of them, or is lost.
pub fn lead_by_section(facts: &SongFacts, session: &Session) -> Vec<LeadInSection> {
    let leads: Vec<&Strip> = lead(session, &Rules::default());
    let is_lead = |track: &Strip| leads.iter().any(|lead| lead.id == track.id);
    let tracks: Vec<(&Strip, Rows)> = heard(session)
        .filter_map(|track| Some((track, Rows::of(facts.tracks.get(&track.id)?.now()))))
        .collect();
    let row_s = facts.tracks.values().map(|t| t.now().erb.frame_s).find(|s| *s > 0.0).unwrap_or(0.05);
    let mut found = Vec::new();
    for (section, from, to) in sections(facts, session) {
        let rows = (from / row_s) as usize..(to / row_s) as usize;
        let sings = |row: &usize| tracks.iter().any(|(t, rows)| is_lead(t) && rows.is_active(*row));
        let rows: Vec<usize> = rows.filter(sings).collect();
        let sum = |of_lead: bool| -> f64 {
            let of = tracks.iter().filter(|(track, _)| is_lead(track) == of_lead);
            let power = |(track, own): &(&Strip, Rows), row: usize| {
                own.at(row) * db_to_power(gain_db(session, track, row as f64 * row_s))
            };
            of.map(|track| rows.iter().map(|row| power(track, *row)).sum::<f64>()).sum()
        };
        let (own, rest) = (sum(true), sum(false));
        if rows.len() as f64 * row_s < LEAST_S || own <= 0.0 || rest <= 0.0 {
            continue;
        }
        found.push(LeadInSection {
            lead: leads.iter().map(|l| l.id.clone()).collect(),
            section,
            place_s: (from, to),
            lead_lu: lufs(own) - lufs(rest),
            usual_lu: 0.0,
        });
    }
    let mut all: Vec<f64> = found.iter().map(|s| s.lead_lu).collect();
    all.sort_by(f64::total_cmp);
    let Some(&usual) = all.get(all.len() / 2) else { return Vec::new() };
    found.iter_mut().for_each(|s| s.usual_lu = usual);
    found.retain(|s| (s.lead_lu - usual).abs() > OFF_LU || s.lead_lu < LOST_LU);
    found
}

/// Who plays between two frequencies and times: the tracks' shares of the energy as they stand in the mix, the most first.
pub fn holders(
    facts: &SongFacts,
    session: &Session,
    band_hz: (f64, f64),
    place_s: Option<(f64, f64)>,
) -> Vec<(String, f64)> {
    let mut each = Vec::new();
    for track in heard(session) {
        let Some(analysis) = facts.tracks.get(&track.id).map(|t| t.now()) else { continue };
        let erb = &analysis.erb;
        let inside = |row: &usize| {
            let time_s = *row as f64 * erb.frame_s;
            place_s.is_none_or(|(from, to)| (from..=to).contains(&time_s))
        };
        let channels = analysis.facts.channels.max(1) as f64;
        let power: f64 = (0..erb.rows())
            .filter(inside)
            .map(|row| {
                let bands = erb.row(row).iter().zip(&erb.centres_hz);
                let there = bands.filter(|(_, hz)| (band_hz.0..=band_hz.1).contains(*hz));
                let gain = db_to_power(gain_db(session, track, row as f64 * erb.frame_s));
                channels * gain * there.map(|(p, _)| f64::from(*p)).sum::<f64>()
            })
            .sum();
        each.push((track.id.clone(), power));
    }
    let all: f64 = each.iter().map(|e| e.1).sum();
    each.iter_mut().for_each(|e| e.1 = if all > 0.0 { e.1 / all } else { 0.0 });
    each.retain(|e| e.1 > 0.0);
    each.sort_by(|a, b| b.1.total_cmp(&a.1));
    each
}

/// The lead and all the rest as they stand in the mix, in auditory bands against time: power on both loudspeakers together,
/// faders, buses and rides counted in. `None` where there is no lead, or nothing beside it.
pub fn lead_and_rest(facts: &SongFacts, session: &Session) -> Option<[ErbFrames; 2]> {
    let leads: Vec<&str> = lead(session, &Rules::default()).iter().map(|track| track.id.as_str()).collect();
    let tracks: Vec<(&Strip, &Analysis)> = heard(session)
        .filter_map(|track| Some((track, facts.tracks.get(&track.id)?.now())))
        .filter(|(_, analysis)| analysis.erb.rows() > 0)
        .collect();
    let rows = tracks.iter().map(|(_, analysis)| analysis.erb.rows()).max()?;
    let first = &tracks.first()?.1.erb;
    let nothing = || ErbFrames {
        frame_s: first.frame_s,
        centres_hz: first.centres_hz.clone(),
        power: vec![0.0; rows * ERB_BANDS],
        active: vec![false; rows],
    };
    let mut sums = [nothing(), nothing()];
    let mut counted = [0; 2];
    for (track, analysis) in tracks {
        let place = usize::from(!leads.contains(&track.id.as_str()));
        counted[place] += 1;
        let (sum, erb) = (&mut sums[place], &analysis.erb);
        // Bands hold the mean of the channels.
        let channels = analysis.facts.channels.max(1) as f64;
        for row in 0..erb.rows() {
            let gain = channels * db_to_power(gain_db(session, track, row as f64 * erb.frame_s));
            let to = &mut sum.power[row * ERB_BANDS..][..ERB_BANDS];
            to.iter_mut().zip(erb.row(row)).for_each(|(to, p)| *to += (gain * f64::from(*p)) as f32);
            sum.active[row] |= erb.active.get(row).copied().unwrap_or(false);
        }
    }
    counted.iter().all(|n| *n > 0).then_some(sums)
}

/// By how much a track must come down for its band to come down by `lower_db` as a whole, in dB; `None` where even without it
/// the band would stand too high.
pub fn lower_by_db(share: f64, lower_db: f64) -> Option<f64> {
    let left = (db_to_power(-lower_db) - (1.0 - share)) / share;
    (left > 0.0).then(|| -power_to_db(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrackFacts;
    use measure::Facts;
    use session::{Section, StripClass};

    /// A track at a level in one auditory band, 60 s; `level(t)` in dB.
    fn track(band: usize, level: impl Fn(f64) -> f64) -> TrackFacts {
        let rows = 1200;
        let mut erb = ErbFrames {
            frame_s: 0.05,
            centres_hz: (0..ERB_BANDS).map(|b| 50.0 * 1.17f64.powi(b as i32)).collect(),
            power: vec![0.0; rows * ERB_BANDS],
            active: vec![true; rows],
        };
        for row in 0..rows {
            erb.power[row * ERB_BANDS + band] = db_to_power(level(row as f64 * 0.05)) as f32;
        }
        let facts = Facts { channels: 1, ..Facts::default() };
        TrackFacts { raw: Analysis { facts, erb, ..Analysis::default() }, ..TrackFacts::default() }
    }

    fn song(voice: impl Fn(f64) -> f64) -> (SongFacts, Session) {
        let mut session = Session::new();
        for (id, role) in [("vox", "lead_vocal"), ("bass", "bass"), ("pad", "pad")] {
            let mut strip = Strip::new(StripClass::Track, id);
            strip.role = Some(role.into());
            session.add(strip);
        }
        let section = |name: &str, start_s: f64| Section { name: name.into(), start_s };
        session.song.sections = ["verse", "chorus", "verse", "chorus"]
            .into_iter()
            .zip([0.0, 15.0, 30.0, 45.0])
            .map(|(n, s)| section(n, s))
            .collect();
        let mut facts = SongFacts { sample_rate_hz: 48_000, duration_s: 60.0, ..SongFacts::default() };
        facts.tracks.insert("vox".into(), track(20, voice));
        facts.tracks.insert("bass".into(), track(4, |_| -26.0));
        facts.tracks.insert("pad".into(), track(18, |_| -26.0));
        (facts, session)
    }

    #[test]
    fn a_voice_that_sinks_is_found_in_its_section_and_one_that_stands_still_is_not() {
        let (facts, session) = song(|_| -22.0);
        assert_eq!(lead_by_section(&facts, &session), []);
        let (facts, mut session) = song(|t| if t >= 45.0 { -24.5 } else { -22.0 });
        let found = lead_by_section(&facts, &session);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].section.as_str(), found[0].place_s), ("second chorus", (45.0, 60.0)));
        assert!((found[0].lead_lu - found[0].usual_lu + 2.5).abs() < 0.05, "{found:?}");
        // A fader that rides it back makes it good.
        let point = |time_s: f64, value: f64| session::Point { time_s, value };
        session.tracks["vox"].lanes = vec![session::Lane {
            target: LaneTarget::Fader,
            name: session::Path::new(["fader_db"]),
            curve: session::Curve::Linear,
            points: vec![point(0.0, 0.0), point(44.9, 0.0), point(45.0, 2.5)],
        }];
        assert_eq!(lead_by_section(&facts, &session), []);
    }

    #[test]
    fn who_holds_a_band_is_told_with_their_share_and_what_lowering_them_takes() {
        let (facts, session) = song(|_| -22.0);
        let holders = holders(&facts, &session, (60.0, 130.0), None);
        assert_eq!(holders.len(), 1, "{holders:?}");
        assert_eq!(holders[0], ("bass".to_string(), 1.0));
        assert!((lower_by_db(1.0, 5.0).expect("possible") - 5.0).abs() < 1e-9);
        // Half of the energy: taking it away wholly brings 3.01 dB.
        assert!(lower_by_db(0.5, 3.1).is_none());
        assert!((lower_by_db(0.5, 1.0).expect("possible") - 2.30).abs() < 0.01);
        assert!(super::holders(&facts, &session, (20_000.0, 30_000.0), None).is_empty());
    }
}
