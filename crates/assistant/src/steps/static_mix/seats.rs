//! Where tracks belong by what they are: wishes of roles, who stands opposite whom, and the seats of a kit.

use crate::import::{side, without_place};
use crate::parts::{part_of, role};
use crate::power::band_shares;
use audio::power_to_db;
use measure::{Analysis, ERB_BANDS};
use session::Strip;

/// What a role wants to stand like.
pub(super) enum Wish {
    Centre(&'static str),
    Single(f64),
    /// In the middle, and wide: where it is recorded in mono it gets its width from a return.
    Wide(&'static str),
    /// Players of one part, opposite each other: the outermost pair this far out.
    Players(f64),
    Fixed(f64, &'static str),
}

pub(super) fn wish(role: &str) -> Wish {
    match role {
        "kick" | "kick_in" | "kick_out" | "kick_sub" | "kick_trigger" | "kick_electronic" => {
            Wish::Centre("the kick")
        }
        "snare" | "snare_top" | "snare_bottom" | "snare_side" | "snare_trigger" | "rimshot" => {
            Wish::Centre("the snare")
        }
        "lead_vocal" | "spoken" | "vocal_bus" => Wish::Centre("the lead"),
        "guitar_lead" | "guitar_slide" | "synth_lead" => Wish::Centre("a solo"),
        "drum_kit" | "drum_machine" | "drum_loop" | "drum_fill" | "drum_bus" | "drum_crush" | "music_bus"
        | "mix_bus" => Wish::Centre("the whole group"),
        "impact" | "downlifter" | "riser" | "ambience" | "clap" | "snap" => Wish::Centre("an effect for all"),
        "overhead_left" => Wish::Fixed(-100.0, "the left microphone over the kit"),
        "overhead_right" => Wish::Fixed(100.0, "the right microphone over the kit"),
        "overhead" | "drum_room" => Wish::Players(100.0),
        "vocal_double" => Wish::Players(60.0),
        "backing_vocal" | "harmony_vocal" | "choir" | "vocoder" => Wish::Players(60.0),
        "adlib" => Wish::Single(30.0),
        _ => match crate::roles::family(role) {
            "bass" => Wish::Centre("the bass"),
            "guitars" => Wish::Players(80.0),
            "brass" | "woodwinds" | "strings" => Wish::Players(50.0),
            "keys" => Wish::Single(45.0),
            "synths" => Wish::Wide("a synthesizer"),
            "percussion" => Wish::Single(50.0),
            "drums" => Wish::Single(30.0),
            "fx" | "returns" => Wish::Wide("an effect"),
            "buses" => Wish::Centre("the whole group"),
            // What nobody knows may be the bass, or everything else.
            _ => Wish::Centre("what nobody knows"),
        },
    }
}

pub(super) fn stem(track: &Strip) -> String {
    let file = track.files.first().and_then(|file| file.file_stem());
    file.map_or_else(|| track.id.clone(), |stem| stem.to_string_lossy().into_owned())
}

/// The part whose players stand opposite each other; for other roles, only files called left and right do.
pub(super) fn players(track: &Strip) -> Option<&'static str> {
    let name = part_of(role(track)).name;
    match wish(role(track)) {
        Wish::Players(_) => Some(name),
        Wish::Single(_) | Wish::Wide(_) => side(&stem(track)).map(|_| name),
        _ => None,
    }
}

/// Pairs among players of one part: files called left and right first, then neighbours in the list.
pub(super) fn pairs<'a>(members: &[usize], track: impl Fn(usize) -> &'a Strip) -> Vec<(usize, usize)> {
    use crate::import::Side;
    let sided = |place: usize| {
        let stem = stem(track(place));
        side(without_place(&stem)).map(|(base, side)| (base.to_lowercase(), side))
    };
    let mut pairs = Vec::new();
    let mut left_over: Vec<usize> = members.to_vec();
    for &place in members {
        let Some((base, Side::Left)) = sided(place) else { continue };
        let partner = left_over.iter().copied().find(|n| sided(*n) == Some((base.clone(), Side::Right)));
        if let Some(partner) = partner {
            left_over.retain(|n| *n != place && *n != partner);
            pairs.push((place, partner));
        }
    }
    // A single overhead or room beside a pair is a mono microphone, not half of another pair.
    left_over.retain(|n| sided(*n).is_none() && !matches!(role(track(*n)), "overhead" | "drum_room"));
    for two in left_over.chunks_exact(2) {
        pairs.push((two[0], two[1]));
    }
    pairs
}

pub(super) fn is_tom(track: &Strip) -> bool {
    matches!(role(track), "tom_rack" | "tom_floor" | "toms")
}

/// Where the audience sees a part of a right-handed kit; toms from the hi-hat's side to the other, the floor tom
/// outermost.
pub(super) fn seen_by_audience(track: &Strip, nth_tom: usize, toms: usize) -> Option<f64> {
    match role(track) {
        role if role.starts_with("hihat") => Some(30.0),
        "ride" => Some(-30.0),
        _ if is_tom(track) && toms < 2 => Some(-15.0),
        _ if is_tom(track) => Some((25.0 - 65.0 * nth_tom as f64 / (toms - 1) as f64).round()),
        _ => None,
    }
}

/// Where the overheads hear a close microphone's drum: right against left while it plays, in the bands where it
/// sounds, against the overheads' own difference. In dB.
pub(super) fn heard_at_db(own: &Analysis, left: &Analysis, right: &Analysis) -> Option<f64> {
    let shares = band_shares(own);
    let rows = own.erb.rows().min(left.erb.rows()).min(right.erb.rows());
    let level = |row: usize| own.erb.row(row).iter().map(|p| f64::from(*p)).sum::<f64>();
    let loudest = (0..rows).map(level).fold(0.0, f64::max);
    let (mut own_sides, mut all_sides) = ((0.0, 0.0), (0.0, 0.0));
    for row in 0..rows {
        let strokes = level(row) > 0.1 * loudest;
        for band in 0..ERB_BANDS {
            let (l, r) = (f64::from(left.erb.row(row)[band]), f64::from(right.erb.row(row)[band]));
            all_sides = (all_sides.0 + l, all_sides.1 + r);
            if strokes {
                own_sides = (own_sides.0 + shares[band] * l, own_sides.1 + shares[band] * r);
            }
        }
    }
    let db = |(l, r): (f64, f64)| (l > 0.0 && r > 0.0).then(|| power_to_db(r) - power_to_db(l));
    Some(db(own_sides)? - db(all_sides)?)
}
