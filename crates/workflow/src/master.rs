//! From a pre-master to a master: decide, render, solve the loudness, verify and repair the peaks.

mod chain;
mod order;
mod stage;
mod work;

pub(crate) use work::{LIMITER, Work, with_limiter, write_wav};

use crate::finished_song::nothing_heard;
use crate::listen::listen_to_premaster;
use crate::master_request::MasterRequest;
use crate::matching::Matched;
use crate::merging::Merging;
use crate::rerender::Rerender;
use crate::space;
use crate::{Context, Project, WorkflowError};
use chain::{HeardAs, decide};
use delivery::{Delivered, Target};
use engine::{GainReduction, Sources};
use mastering::{Bounds, Foresight, Goal, MasterFacts, MatchPlan, Solved, Unlimited, Verdict};
use measure::Analysis;
use order::Order;
use session::{Document, Session};
use std::path::{Path, PathBuf};
use work::session_with_limiter;

/// Rounds of hearing and correcting a match; the second already leaves little.
const MATCH_ROUNDS: usize = 4;

/// What came out of mastering.
#[derive(Debug, Clone)]
pub struct Mastered {
    /// The master as written and read back.
    pub delivered: Delivered,
    /// The pre-master that went in.
    pub premaster: Analysis,
    /// The master that came out.
    pub analysis: Analysis,
    /// How the loudness was solved.
    pub solved: Option<Solved>,
    /// Peaks above the ceiling that were repaired after the limiter.
    pub repaired: usize,
    /// What the inserts of the chain did.
    pub reductions: Vec<GainReduction>,
    /// How near it came to the references.
    pub matched: Option<Matched>,
    /// What was heard before anything was done, and what of it should go back to the mix.
    pub verdicts: Vec<Verdict>,
    /// What was done to the mix before anything was decided.
    pub notes: Vec<String>,
    /// What was aimed at.
    pub goal: Goal,
    /// The session now.
    pub session: Session,
    /// Everything decided.
    pub decisions: Vec<session::Decision>,
}

/// Masters the pre-master of a project into `path`.
pub fn master(
    project: &Project,
    premaster: &Path,
    path: &Path,
    request: &MasterRequest,
    context: &Context,
) -> Result<Mastered, WorkflowError> {
    let project = &project.hold(context)?;
    let mut merging = Merging::open(project)?;
    let session = merging.merged().document.session()?;
    project.protect(&session, path)?;
    let info = files::probe(premaster)?;
    space::ensure(&project.home, space::mastering(info.frames as u64, info.channels.max(2) as u64))?;
    let target = &target_of(project, &session, request)?;
    let twice = target.doubles(info.channels);
    let source = project.master_sources(&session, premaster, twice)?;
    let (mut facts, mut goal) =
        listened(project, (&session, premaster), &source, (target, request), context)?;
    let mut plan = MatchPlan::new(&facts, &goal);
    aim_at_references(&mut goal, plan.as_ref(), &facts);
    let mut work = Work::new(project, &source, context)?;
    let mut solved = None;
    if !request.as_it_is {
        let session = merging.merged().document.session()?;
        work.order(Order::of(project, &session, premaster, (target, path))?);
        let heard = decide(&mut merging, &mut work, &mut facts, (&goal, &mut plan), context)?;
        solved = self::solved(&mut merging, &mut work, (&mut facts, heard), &goal, &mut plan)?;
    }
    let mut verdicts = mastering::verdicts(&facts, &goal);
    let notes: Vec<String> = twice.then(|| on_both_sides(premaster, target)).into_iter().collect();
    verdicts.splice(0..0, notes.iter().map(|text| Verdict { text: text.clone(), ..Verdict::default() }));
    // What was heard on the way is not asked any more, and of a long programme it is much.
    facts.now = None;
    let Written { reductions, repaired, float, mut delivered } =
        written(&mut merging, &mut work, (&goal, solved.as_mut()), (premaster, target, path), context)?;
    let session = merging.merged().document.session()?;
    let analysis = std::mem::take(&mut delivered.reading.analysis);
    let matched = plan.map(|plan| crate::matching::matched(&plan, &facts.premaster, &analysis));
    let decisions = merging.save(project)?;
    match &project.single {
        // Whoever wants another file of it renders it again.
        Some(_) => keep_how(project, &Rerender::of(premaster, goal.ceiling_dbtp, twice)?)?,
        None => keep(project, &float.expect("only what is rendered again is handed over without one"))?,
    }
    Ok(Mastered {
        delivered,
        analysis,
        verdicts,
        notes,
        premaster: facts.premaster,
        solved,
        repaired,
        reductions,
        matched,
        goal,
        session,
        decisions,
    })
}

/// What is known before anything is decided: the pre-master, the references, and where to go.
fn listened(
    project: &Project,
    (session, mix): (&Session, &Path),
    source: &Sources,
    (target, request): (&Target, &MasterRequest),
    context: &Context,
) -> Result<(MasterFacts, Goal), WorkflowError> {
    context.listener.stage("listening to the pre-master", None);
    let premaster = listen_to_premaster(source, context)?;
    if premaster.facts.integrated_lufs.is_none() {
        return Err(match project.single {
            Some(_) => nothing_heard(mix, ""),
            None => nothing_heard(mix, "the mix "),
        });
    }
    let goal = goal(session, target, premaster.facts.channels, request)?;
    let references = match request.as_it_is {
        false => crate::matching::references(project, session, request, context)?,
        true => Vec::new(),
    };
    Ok((MasterFacts { premaster, now: None, references }, goal))
}

/// That the one channel of a mono mix stands on both sides, and is read 3 LU louder by that.
fn on_both_sides(mix: &Path, target: &Target) -> String {
    let name = mix.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{name} is mono, and {} takes two channels: the one stands on both sides, which is 3 LU more by every meter.",
        target.id
    )
}

/// References say how loud and how dense a master may become, as far as that is asked for.
fn aim_at_references(goal: &mut Goal, plan: Option<&MatchPlan>, facts: &MasterFacts) {
    let Some(plan) = plan else { return };
    goal.loudness_lufs = plan.loudness_lufs(goal.loudness_lufs);
    let psr = facts.references.iter().filter_map(|r| r.analysis.facts.psr_p5_lu).reduce(f64::min);
    goal.bounds = goal.bounds.toward(psr, goal.matching.loudness);
}

/// Draws the match to what is heard, and solves the loudness behind it. The facts are of the chain as it was heard last.
fn solved(
    merging: &mut Merging,
    work: &mut Work,
    (facts, heard): (&mut MasterFacts, HeardAs),
    goal: &Goal,
    plan: &mut Option<MatchPlan>,
) -> Result<Option<Solved>, WorkflowError> {
    if session_with_limiter(merging)?.is_none() {
        return Ok(None);
    }
    let hearings = match plan {
        Some(plan) => drawn(merging, work, (facts, heard), goal, plan)?,
        None => 0,
    };
    let session = merging.merged().document.session()?;
    let foresight = Foresight::of(&session, facts);
    let before = unlimited(facts, foresight.as_ref());
    let mut solved = match plan {
        Some(plan) if hearings > 0 => drawn_through(merging, work, before, goal, (plan, hearings))?,
        _ => work.solve_knowing(&session, goal, before)?,
    };
    merging.apply_anew(mastering::limiter_decisions(goal, &solved))?;
    solved = firmer(merging, work, goal, solved)?;
    solved = clipped_first(merging, work, goal, solved)?;
    Ok(Some(solved))
}

/// What the last stage is given, as far as it was heard.
fn unlimited<'a>(facts: &MasterFacts, foresight: Option<&'a Foresight>) -> Option<Unlimited<'a>> {
    let heard = facts.heard();
    let known = heard.integrated_lufs.zip(heard.true_peak_dbtp);
    known.map(|(integrated_lufs, true_peak_dbtp)| Unlimited { integrated_lufs, true_peak_dbtp, foresight })
}

/// Where the limiter is foreseen to take no more of the loudness than this, in LU, a match is drawn before it.
const LIGHTLY_LU: f64 = 0.3;
/// And where it takes no more than this, it leaves tone and width as they are within what two songs are alike by.
const UNHEARD_LU: f64 = 0.1;
/// Hearings through the limiter where the match was drawn before it.
const LAST_HEARINGS: usize = 2;

/// Draws the match to what is heard before the limiter, for as long as that works lightly; tells how often it is to be heard
/// through the limiter yet. What was heard last is then the chain as it stands.
///
/// What a step has made up for since the last hearing is tenths of a decibel: the match is drawn to that hearing already.
fn drawn(
    merging: &mut Merging,
    work: &mut Work,
    (facts, mut heard): (&mut MasterFacts, HeardAs),
    goal: &Goal,
    plan: &mut MatchPlan,
) -> Result<usize, WorkflowError> {
    for round in 1..=MATCH_ROUNDS {
        let session = merging.merged().document.session()?;
        if heard == HeardAs::BeforeTheMatch {
            facts.now = Some(work.listen(&session, &facts.premaster, true)?);
            heard = HeardAs::ItStands;
        }
        let foresight = Foresight::of(&session, facts);
        let before = unlimited(facts, foresight.as_ref());
        let foreseen = before.and_then(|before| before.foreseen_to_change_lu(goal));
        let Some((taken_lu, range_change_lu)) = foreseen.filter(|(taken_lu, _)| *taken_lu <= LIGHTLY_LU)
        else {
            return Ok((MATCH_ROUNDS - round).max(1));
        };
        let (rounds, hearings) = match taken_lu > UNHEARD_LU {
            true => (MATCH_ROUNDS - 1, LAST_HEARINGS),
            false => (MATCH_ROUNDS, 0),
        };
        let now = facts.now.as_ref().filter(|_| round < rounds);
        let next = now.and_then(|now| plan.corrected_behind(now, Some(range_change_lu)));
        match next {
            Some(next) => {
                merging.apply_anew(next.decisions(&session))?;
                *plan = next;
            }
            None if heard == HeardAs::ItStands => return Ok(hearings),
            None => {}
        }
        heard = HeardAs::BeforeTheMatch;
    }
    unreachable!("the last round draws nothing")
}

/// Draws the match to what is heard through the whole chain, and solves the loudness.
///
/// The tone of a master hardly depends on the last tenths of its loudness: while the match is drawn the drive is foreseen or solved
/// and follows what is heard, and is solved once the chain before it stands.
fn drawn_through(
    merging: &mut Merging,
    work: &mut Work,
    before: Option<Unlimited>,
    goal: &Goal,
    (plan, hearings): (&mut MatchPlan, usize),
) -> Result<Solved, WorkflowError> {
    let session = merging.merged().document.session()?;
    let foreseen = before.and_then(|before| Solved::foreseen(goal, &before));
    let mut followed = foreseen.is_some();
    let mut solved = match foreseen {
        Some(foreseen) => foreseen,
        None => work.solve_knowing(&session, goal, before)?,
    };
    merging.apply_anew(mastering::limiter_decisions(goal, &solved))?;
    for _ in 0..hearings {
        let heard = work.hear(&merging.merged().document.session()?)?;
        let next = plan.corrected(&heard);
        let drawn = next.is_some();
        if let Some(next) = next {
            merging.apply_anew(next.decisions(&merging.merged().document.session()?))?;
            *plan = next;
        }
        if drawn || followed {
            solved.follow(heard.facts.integrated_lufs, goal);
            merging.apply_anew(mastering::limiter_decisions(goal, &solved))?;
            followed = true;
        }
        if !drawn {
            break;
        }
    }
    match followed {
        true => work.solve_followed(&merging.merged().document.session()?, goal),
        false => Ok(solved),
    }
}

/// A master as it was handed over.
struct Written {
    reductions: Vec<GainReduction>,
    repaired: usize,
    /// The float file, where there is one; goes with the work.
    float: Option<PathBuf>,
    delivered: Delivered,
}

/// Renders the master, keeps its ceiling and writes its file. A conversion of the sample rate makes peaks that the file is
/// turned down for: where it misses its loudness by that, the drive makes up for it once.
fn written(
    merging: &mut Merging,
    work: &mut Work,
    (goal, mut solved): (&Goal, Option<&mut Solved>),
    (mix, target, path): (&Path, &Target, &Path),
    context: &Context,
) -> Result<Written, WorkflowError> {
    let mut aim = goal.clone();
    for again in [true, false] {
        let session = merging.merged().document.session()?;
        let made = work.finish(&session, &aim, solved.as_deref_mut())?;
        if let Some(solved) = &solved {
            merging.apply_anew(mastering::limiter_decisions(goal, solved))?;
        }
        let session = merging.merged().document.session()?;
        let order = Order::of(work.project(), &session, mix, (target, path))?;
        context.listener.stage("writing the master", None);
        let (reductions, repaired) = (made.reductions.clone(), made.repaired);
        let (delivered, float) = work.handed_over(made, &session, &order)?;
        let lufs = delivered.facts().integrated_lufs;
        match solved
            .as_deref_mut()
            .and_then(|solved| solved.turned_down(lufs, delivered.trim_db, goal, again))
        {
            Some(loudness_lufs) => aim.loudness_lufs = Some(loudness_lufs),
            None => return Ok(Written { reductions, repaired, float, delivered }),
        }
    }
    unreachable!("the second file is kept")
}

/// Where the loudness was not reached, tries a firmer limiter, and keeps it where it is louder within the same bounds.
fn firmer(
    merging: &mut Merging,
    work: &mut Work,
    goal: &Goal,
    mut solved: Solved,
) -> Result<Solved, WorkflowError> {
    let Some(session) = session_with_limiter(merging)? else { return Ok(solved) };
    for settings in mastering::firmer(&session, goal) {
        if !mastering::wants_firmer(goal, &solved) {
            break;
        }
        let mut document = merging.merged().document;
        session::apply(&mut document, &settings)?;
        let with = work.solve(&document.session()?, goal)?;
        if mastering::is_firmer(&solved, &with) {
            merging.apply_anew(settings)?;
            merging.apply_anew(mastering::limiter_decisions(goal, &with))?;
            solved = with;
        }
    }
    Ok(solved)
}

/// Where the loudness was not reached, tries a clipper before the limiter, and keeps it where that costs less.
fn clipped_first(
    merging: &mut Merging,
    work: &mut Work,
    goal: &Goal,
    without: Solved,
) -> Result<Solved, WorkflowError> {
    let Some(session) = session_with_limiter(merging)?.filter(|_| mastering::wants_clipping(goal, &without))
    else {
        return Ok(without);
    };
    let clip = mastering::clipper(&session, goal, &without);
    let mut document = merging.merged().document;
    session::apply(&mut document, &clip)?;
    let with = work.solve(&document.session()?, goal)?;
    let Some(decided) = mastering::clip_decisions(&session, goal, &without, &with) else {
        return Ok(without);
    };
    merging.apply_anew(decided)?;
    merging.apply_anew(mastering::limiter_decisions(goal, &with))?;
    Ok(with)
}

/// Puts the float master and the session that made it where `deliver` looks for them: only what is wholly done stands there.
fn keep(project: &Project, rendered: &Path) -> Result<(), WorkflowError> {
    let float = project.state().join("master.wav");
    // It was written as work; from here on it is kept.
    let safe = std::fs::File::open(rendered).and_then(|file| file.sync_all());
    safe.map_err(WorkflowError::io(rendered, "write it out"))?;
    std::fs::rename(rendered, &float).map_err(WorkflowError::io(&float, "give it its name"))?;
    keep_session(project)
}

/// Puts there what renders the float master again, in place of the one that an earlier run has kept.
fn keep_how(project: &Project, how: &Rerender) -> Result<(), WorkflowError> {
    let float = project.state().join("master.wav");
    if float.exists() {
        std::fs::remove_file(&float).map_err(WorkflowError::io(&float, "remove it"))?;
    }
    how.note(project)?;
    keep_session(project)
}

fn keep_session(project: &Project) -> Result<(), WorkflowError> {
    let session_file = project.session_file();
    let text = std::fs::read(&session_file).map_err(WorkflowError::io(&session_file, "read"))?;
    Ok(files::atomic_write(crate::saving::mastered_file(project), &text)?)
}

pub(crate) fn target_of(
    project: &Project,
    session: &Session,
    request: &MasterRequest,
) -> Result<Target, WorkflowError> {
    let named = request.target.as_deref().or(session.deliver.targets.first().map(String::as_str));
    Ok(project.targets()?.find(named.unwrap_or(delivery::DEFAULT_TARGET))?.clone())
}

/// What a person has asked for comes first, then the session, then the target's row.
pub(crate) fn goal(
    session: &Session,
    target: &Target,
    channels: usize,
    request: &MasterRequest,
) -> Result<Goal, WorkflowError> {
    let row = target.integrated_lufs_for(channels);
    let strength = request.strength.unwrap_or(1.0);
    let genre = match &request.genre {
        Some(id) => crate::matching::genre(id)?,
        None => &mastering::GENRES[0],
    };
    Ok(Goal {
        strength,
        bounds: Bounds::of_strength(strength),
        matching: request.matching.unwrap_or_default(),
        curve: genre.curve,
        records: genre.records,
        asked: request.genre.is_some() || strength > 1.0,
        ..Goal::new(
            request.loudness_lufs.or(session.master.loudness_lufs).or(row),
            session.master.ceiling_dbtp.unwrap_or(target.ceiling_dbtp),
        )
    })
}

/// What the file of a finished mix is called in its session.
pub(crate) const FINISHED_MIX: &str = "recording";

/// The session of a finished mix: one track, nothing done to it.
pub(crate) fn session_of_file(path: &Path, title: &str) -> Document {
    let mut session = Session::new();
    session.engine = env!("CARGO_PKG_VERSION").into();
    session.song.title = Some(title.to_string());
    let mut track = session::Strip::new(session::StripClass::Track, FINISHED_MIX);
    track.files = vec![path.to_path_buf()];
    track.role = Some("mix_bus".into());
    session.add(track);
    Document::new(&session)
}
