//! The words of the command line.

use crate::views::Views;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Under the help of the whole.
const EXIT_CODES: &str = "\
Exit codes: 0 good, 1 failed, 2 asked wrongly, 3 a check did not pass, 4 an input cannot be read,
5 the session is invalid, 130 interrupted.";

/// The quietest and the loudest master that anybody could mean, in LUFS.
const LOUDNESS_RANGE: std::ops::RangeInclusive<f64> = -60.0..=0.0;

/// Mix and master a song from its raw multitrack recordings.
#[derive(Debug, Parser)]
#[command(
    name = "tonmeister",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = false,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How to talk.
    #[command(flatten)]
    pub(crate) voice: Voice,
}

/// How to talk.
#[derive(Debug, Clone, Args)]
pub(crate) struct Voice {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but the result
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Wait for another run in the same folder instead of giving up
    #[arg(long, global = true)]
    pub(crate) wait: bool,
    /// Worker threads (0: one per core); the sound does not depend on it
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub(crate) threads: usize,
}

/// Where things go.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Folder with the recordings
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) home: Home,
}

/// What to deliver.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeliverPlace {
    /// Folder of the song, or the finished mix that `master` has mastered
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) home: Home,
}

/// Where what is made goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Home {
    /// Put session, renders and caches here instead of into DIR
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    pub(crate) home: Option<PathBuf>,
}

/// What to write of a master.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeliverWishes {
    /// Targets, separated by commas; without it, those of the session or album
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) to: Vec<String>,
    /// Kinds of file: wav, flac, aiff, alac, vorbis, opus; mp3 and aac in builds that have them
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) format: Vec<String>,
    /// Bits per second of what is coded with loss, in thousands
    #[arg(long, value_name = "KBPS")]
    pub(crate) bit_rate: Option<u32>,
    /// Pack each target's folder into one ZIP file
    #[arg(long)]
    pub(crate) zip: bool,
    /// Show, but write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How far the assistant goes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Style {
    /// Half of every move of taste
    Gentle,
    /// As measured
    Normal,
    /// Half as much again
    Bold,
}

impl Style {
    pub(crate) fn strength(self) -> f64 {
        match self {
            Style::Gentle => 0.5,
            Style::Normal => 1.0,
            Style::Bold => 1.5,
        }
    }
}

/// How to mix and master.
#[derive(Debug, Clone, Args)]
pub(crate) struct Taste {
    /// How far the assistant goes
    #[arg(long, value_enum, default_value_t = Style::Normal)]
    pub(crate) style: Style,
    /// The role that the mix is about, such as lead_vocal
    #[arg(long, value_name = "ROLE")]
    pub(crate) focus: Option<String>,
    /// Go on without recordings that cannot be read; the session and the report name them
    #[arg(long)]
    pub(crate) skip_unreadable: bool,
}

/// Which versions of the song.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VersionName {
    /// Without lead and backing vocals
    Instrumental,
    /// Vocals with their effects, and nothing else
    Acappella,
    /// Without the lead; backing vocals stay
    Tv,
}

impl From<VersionName> for workflow::Version {
    fn from(name: VersionName) -> workflow::Version {
        match name {
            VersionName::Instrumental => workflow::Version::Instrumental,
            VersionName::Acappella => workflow::Version::Acappella,
            VersionName::Tv => workflow::Version::Tv,
        }
    }
}

/// What to master to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Aim {
    /// Delivery target (`tonmeister targets` lists them)
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Loudness instead of the target's, -60 to 0
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true, value_parser = loudness)]
    pub(crate) loudness: Option<f64>,
    #[command(flatten)]
    pub(crate) near: Near,
    /// How near, 0 to 1, by aspect (tone, dynamics, width, loudness), or one number for all
    #[arg(long = "match", value_name = "ASPECT=SHARE,...", value_parser = matching, requires = "reference")]
    pub(crate) matching: Option<workflow::Matching>,
    /// Kind of music whose tonal balance stands in where there is no reference: all, rock, ambient, orchestral, electronic
    #[arg(long, value_name = "KIND", conflicts_with = "reference")]
    pub(crate) genre: Option<String>,
    /// Also write before, after and references at one loudness, to be heard against each other
    #[arg(long)]
    pub(crate) ab: bool,
}

/// Finished songs.
#[derive(Debug, Clone, Args)]
pub(crate) struct Near {
    /// A finished song to be near to, with its weight beside others; may be given several times
    #[arg(long, value_name = "FILE[:WEIGHT]", value_parser = weighted)]
    pub(crate) reference: Vec<(PathBuf, f64)>,
}

/// A file, and behind a colon how much it counts; a file that is there under the whole name is that.
fn weighted(text: &str) -> Result<(PathBuf, f64), String> {
    let whole = || Ok((PathBuf::from(text), 1.0));
    let Some((file, weight)) = text.rsplit_once(':').filter(|_| !std::path::Path::new(text).exists()) else {
        return whole();
    };
    match weight.parse::<f64>() {
        Ok(weight) if weight > 0.0 && weight <= 1000.0 => Ok((PathBuf::from(file), weight)),
        Ok(_) => Err("give a weight above 0 and up to 1000, such as 0.5".into()),
        Err(_) => whole(),
    }
}

/// `tone=0.8,width=1`, or one number for every aspect.
fn matching(text: &str) -> Result<workflow::Matching, String> {
    let share = |text: &str| match text.trim().parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("'{text}': give shares from 0 to 1, such as tone=0.8,dynamics=0.5")),
    };
    if !text.contains('=') {
        let all = share(text)?;
        return Ok(workflow::Matching { tone: all, dynamics: all, width: all, loudness: all });
    }
    let mut matching = workflow::Matching::default();
    for part in text.split(',') {
        let (aspect, value) = part.split_once('=').ok_or_else(|| format!("'{part}': write ASPECT=SHARE"))?;
        let place = match aspect.trim() {
            "tone" => &mut matching.tone,
            "dynamics" => &mut matching.dynamics,
            "width" => &mut matching.width,
            "loudness" => &mut matching.loudness,
            other => return Err(format!("'{other}': the aspects are tone, dynamics, width and loudness")),
        };
        *place = share(value)?;
    }
    Ok(matching)
}

/// A time in the song: `62.5`, `1:02` or `1:02.5`, in seconds.
fn clock(text: &str) -> Result<f64, String> {
    let parts: Option<Vec<f64>> = text
        .split(':')
        .map(|part| part.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0))
        .collect();
    match parts.as_deref() {
        Some([seconds]) => Ok(*seconds),
        Some([minutes, seconds]) if *seconds < 60.0 && minutes.fract() == 0.0 => Ok(60.0 * minutes + seconds),
        _ => Err("give a time as 1:02, 1:02.5 or 62.5".into()),
    }
}

fn loudness(text: &str) -> Result<f64, String> {
    let bare = text.trim_end_matches("LUFS").trim_end();
    match bare.parse() {
        Ok(lufs) if LOUDNESS_RANGE.contains(&lufs) => Ok(lufs),
        _ => Err("give a loudness from -60 to 0 LUFS, such as -14".into()),
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Synthesise a song with planted faults and produce it: tutorial and showcase in one
    #[command(after_help = "Example:\n  tonmeister demo")]
    Demo {
        /// Folder for the song
        #[arg(default_value = "tonmeister-demo")]
        dir: PathBuf,
        /// Another seed plays another take
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Tell what would be written and planted, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Roles, formats and faults of the recordings in a folder; writes nothing
    #[command(after_help = "Example:\n  tonmeister scan SONG")]
    Scan {
        /// Folder with the recordings
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Everything: plan, mix, master, deliver, check, report
    #[command(
        after_help = "Examples:\n  tonmeister produce SONG\n  tonmeister produce SONG --target cd --style gentle -o MIX"
    )]
    Produce {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        taste: Taste,
        #[command(flatten)]
        aim: Aim,
        /// Also write stems
        #[arg(long)]
        stems: bool,
        /// Also write processed tracks
        #[arg(long)]
        tracks: bool,
        /// Also write this version of the song (several: with commas, or again)
        #[arg(long = "version", value_enum, value_delimiter = ',', value_name = "NAME")]
        versions: Vec<VersionName>,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Plan and render the pre-master, with a report
    #[command(after_help = "Example:\n  tonmeister mix SONG --stems")]
    Mix {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        taste: Taste,
        #[command(flatten)]
        near: Near,
        /// Also write stems
        #[arg(long)]
        stems: bool,
        /// Also write processed tracks
        #[arg(long)]
        tracks: bool,
        /// Also write this version of the song (several: with commas, or again)
        #[arg(long = "version", value_enum, value_delimiter = ',', value_name = "NAME")]
        versions: Vec<VersionName>,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Decide (again) and show the difference; what you have changed stays
    #[command(
        override_usage = "tonmeister plan [OPTIONS] [DIR] [STEP|TRACK]...",
        after_help = "\
Examples:
  tonmeister plan SONG              decide everything
  tonmeister plan SONG 4 5          only steps 4 and 5; the rest stays as it was planned
  tonmeister plan dynamics vox      only dynamics of the track vox, in the current folder
  tonmeister plan SONG --dry-run    show what would change, write nothing"
    )]
    Plan {
        /// Folder with the recordings (the current one when left out), then what to decide: steps by number (1 to
        /// 11) or name, tracks, buses and returns by id; everything when left out
        #[arg(value_name = "DIR|STEP|TRACK")]
        words: Vec<OsString>,
        #[command(flatten)]
        home: Home,
        #[command(flatten)]
        taste: Taste,
        #[command(flatten)]
        near: Near,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// The evidence behind a strip or a setting
    #[command(after_help = "Examples:\n  tonmeister why vox -C SONG\n  tonmeister why vox.fader_db -C SONG")]
    Why {
        /// Such as vox, or vox.fader_db
        #[arg(value_name = "TRACK[.PARAM]")]
        what: String,
        /// The song's folder
        #[arg(short = 'C', long = "dir", default_value = ".", value_name = "DIR")]
        dir: PathBuf,
    },
    /// Change settings of the session, comments kept
    #[command(
        after_help = "Examples:\n  tonmeister set track.vox.fader_db=-2.5 -C SONG\n  tonmeister set track.vox.fader_db= -C SONG     gives the fader back to the machine\n  tonmeister set --undo -C SONG"
    )]
    Set {
        /// Such as track.vox.fader_db=-2.5
        #[arg(value_name = "KEY=VALUE", required_unless_present = "undo")]
        settings: Vec<String>,
        /// Take the last `set` back
        #[arg(long, conflicts_with = "settings")]
        undo: bool,
        /// The song's folder
        #[arg(short = 'C', long = "dir", default_value = ".", value_name = "DIR")]
        dir: PathBuf,
        /// Show, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Note what should be different about a track, where; the next plan answers it
    #[command(
        after_help = "Examples:\n  tonmeister note gtr \"too loud\" --at 1:02 --to 1:10 -C SONG\n  tonmeister note vox \"a bit harsh\" -C SONG\n  tonmeister note vox -C SONG               shows its notes\n  tonmeister set track.gtr.notes= -C SONG   takes them out"
    )]
    Note {
        /// A track, bus or return, or premaster
        #[arg(value_name = "TRACK")]
        strip: String,
        /// In your own words; without any, its notes are shown
        #[arg(value_name = "TEXT")]
        text: Option<String>,
        /// Where it begins, such as 1:02 or 62.5; without it, all of the song is meant
        #[arg(long, value_name = "TIME", value_parser = clock, requires = "text")]
        at: Option<f64>,
        /// Where it ends; without it, four seconds later
        #[arg(long, value_name = "TIME", value_parser = clock, requires = "at")]
        to: Option<f64>,
        /// The song's folder
        #[arg(short = 'C', long = "dir", default_value = ".", value_name = "DIR")]
        dir: PathBuf,
        /// Show, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Audio from the session as it stands; only what changed is rendered again
    #[command(
        override_usage = "tonmeister render [OPTIONS] [DIR] [premaster|master|stems|tracks]...",
        after_help = "\
Parts:
  premaster   the mix, 32-bit float (this when nothing is named)
  master      the master, with the session's chain
  stems       what goes into the mix; together they are the mix
  tracks      every track as it leaves its fader

Examples:
  tonmeister render SONG premaster master
  tonmeister render SONG --version instrumental,tv
  tonmeister render stems           in the current folder; write ./stems for a folder of that name"
    )]
    Render {
        /// Folder with the recordings (the current one when left out), then what to render
        #[arg(value_name = "DIR|PART")]
        words: Vec<OsString>,
        /// Render this version of pre-master and master instead (several: with commas, or again)
        #[arg(long = "version", value_enum, value_delimiter = ',', value_name = "NAME")]
        versions: Vec<VersionName>,
        #[command(flatten)]
        home: Home,
        /// Show, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Master finished stereo mixes, or the mix of a song's folder anew
    #[command(
        after_help = "Examples:\n  tonmeister master MIX.wav\n  tonmeister master MIX.wav --loudness -11 --reference RECORD.flac -o MASTERS\n  tonmeister master MIX.wav --style bold --take bold\n  tonmeister master MIX.wav --promote bold     the take becomes the master\n  tonmeister master SONG --style gentle --take gentle"
    )]
    Master {
        /// The mixes, or folders of songs that `produce` or `mix` has rendered
        #[arg(required = true, value_name = "FILE|SONG")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        aim: Aim,
        /// How far the assistant goes
        #[arg(long, value_enum, default_value_t = Style::Normal)]
        style: Style,
        /// Put masters, sessions and caches here instead of beside the files
        #[arg(short = 'o', long = "output", value_name = "FOLDER")]
        home: Option<PathBuf>,
        /// Keep this master as a take of this name beside the others, and compare them all
        #[arg(long, value_name = "NAME")]
        take: Option<String>,
        /// Make this take the master; the master of before is kept as a take
        #[arg(long, value_name = "TAKE", conflicts_with_all = ["take", "target", "loudness", "reference", "matching", "genre", "ab"])]
        promote: Option<String>,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the finished master for delivery targets
    #[command(
        after_help = "Examples:\n  tonmeister deliver SONG --to streaming,cd\n  tonmeister deliver SONG --to listening --format opus,vorbis,alac --zip\n  tonmeister deliver MIX.wav --to streaming,cd    a mix that `master` has mastered"
    )]
    Deliver {
        #[command(flatten)]
        place: DeliverPlace,
        #[command(flatten)]
        wishes: DeliverWishes,
    },
    /// An album from its masters: order, gaps, joins and loudness, as files, CD image and CUE sheet
    #[command(
        after_help = "Examples:\n  tonmeister album ALBUM.toml\n  tonmeister album ALBUM.toml --to streaming,cd --format flac,opus --zip"
    )]
    Album {
        /// The album file
        file: PathBuf,
        /// Put everything here instead of into `out` beside the album file
        #[arg(short = 'o', long = "output", value_name = "FOLDER")]
        output: Option<PathBuf>,
        #[command(flatten)]
        wishes: DeliverWishes,
    },
    /// Pass or fail of finished files against a target; exit code 3 when one does not pass
    #[command(
        after_help = "Examples:\n  tonmeister check MASTER.wav --target cd\n  tonmeister check MASTER.wav --apply           a new file MASTER-mended.wav with what can be mended\n  tonmeister check MASTER.wav --apply=clicks,dc_offset -o MENDED"
    )]
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Delivery target
        #[arg(long, default_value = "streaming", value_name = "NAME")]
        target: String,
        /// Targets as this file has them; without it, as targets.toml in the current folder
        #[arg(long, value_name = "FILE")]
        targets: Option<PathBuf>,
        /// Streaming services as this file has them; without it, as services.toml in the current folder
        #[arg(long, value_name = "FILE")]
        services: Option<PathBuf>,
        /// Mend what can be, or only these findings, into a new file NAME-mended, and check that
        #[arg(
            long,
            value_name = "FINDING,...",
            num_args = 0..,
            require_equals = true,
            value_delimiter = ',',
            default_missing_value = ""
        )]
        apply: Option<Vec<String>>,
        /// Put what is mended here instead of beside the files
        #[arg(short = 'o', long = "output", value_name = "FOLDER", requires = "apply")]
        output: Option<PathBuf>,
        /// Tell what would be mended, but write nothing
        #[arg(long, requires = "apply")]
        dry_run: bool,
    },
    /// How a master sounds on a telephone, a laptop, earbuds, in a car and in a club, and what each of them loses
    #[command(
        after_help = "Examples:\n  tonmeister translate MASTER.wav\n  tonmeister translate SONG                            the master, and how well its lead is heard\n  tonmeister translate MASTER.wav --lead VOCAL.wav -o EVERYWHERE"
    )]
    Translate {
        /// The finished files, or folders of songs that `produce` has rendered: there the tracks tell how well the lead is heard
        #[arg(required = true, value_name = "FILE|SONG")]
        files: Vec<PathBuf>,
        /// The lead as it is in the file, of the same length: tells how well it is heard
        #[arg(long, value_name = "FILE")]
        lead: Option<PathBuf>,
        /// Put what is rendered here instead of into `out/translation` beside the files or in the song's folder
        #[arg(short = 'o', long = "output", value_name = "FOLDER")]
        output: Option<PathBuf>,
        /// Tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Numbers only: loudness, peaks, spectrum and more
    #[command(
        after_help = "Examples:\n  tonmeister measure MASTER.wav\n  tonmeister measure --loudness *.flac\n  tonmeister measure --json --series *.wav\n  tonmeister measure --between kick.wav snare.wav bass.wav\n  tonmeister measure --plot=SHEET.png MASTER.wav\n  tonmeister measure --live MASTER.wav"
    )]
    Measure {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only loudness and peaks, several times as fast
        #[arg(long, conflicts_with_all = ["between", "plot", "live"])]
        loudness: bool,
        /// Also loudness against time; with --json also PSR and the stereo image by band
        #[arg(long)]
        series: bool,
        /// What lies between files that belong together: delay, polarity, and which hides how much of which
        #[arg(long, conflicts_with_all = ["series", "services", "plot", "live"])]
        between: bool,
        /// Streaming services as this file has them; without it, as services.toml in the current folder
        #[arg(long, value_name = "FILE")]
        services: Option<PathBuf>,
        #[command(flatten)]
        views: Views,
    },
    /// Two files at equal loudness: differences, null depth, spectrum
    #[command(after_help = "Example:\n  tonmeister compare MIX.wav MASTER.wav")]
    Compare {
        /// First file
        a: PathBuf,
        /// Second file
        b: PathBuf,
    },
    /// The processors and their settings
    #[command(after_help = "Example:\n  tonmeister processors eq compressor")]
    Processors {
        /// Only these
        ids: Vec<String>,
    },
    /// The delivery targets
    #[command(after_help = "Example:\n  tonmeister targets cd")]
    Targets {
        /// Only these
        ids: Vec<String>,
        /// Targets as this file has them; without it, as targets.toml in the current folder
        #[arg(long, value_name = "FILE")]
        targets: Option<PathBuf>,
    },
    /// The roles tracks can have, or what names say
    #[command(after_help = "Example:\n  tonmeister roles \"Gtr Rhy L\" OH")]
    Roles {
        /// Names of tracks
        names: Vec<String>,
    },
    /// Completions for a shell
    #[command(
        after_help = "Example:\n  tonmeister completions bash > ~/.local/share/bash-completion/completions/tonmeister"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff
    #[command(after_help = "Example:\n  tonmeister man > tonmeister.1")]
    Man,
}
