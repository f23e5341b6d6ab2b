//! The words of the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Mix and master a song from its raw multitrack recordings.
#[derive(Debug, Parser)]
#[command(name = "tonmeister", version, disable_help_subcommand = true, arg_required_else_help = false)]
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
    /// Put session, renders and caches here instead of into DIR
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    pub(crate) home: Option<PathBuf>,
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
}

/// What to master to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Aim {
    /// Delivery target (`tonmeister targets` lists them)
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Loudness instead of the target's
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub(crate) loudness: Option<f64>,
    /// A finished song to be near to
    #[arg(long, value_name = "FILE")]
    pub(crate) reference: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Synthesise a song with planted faults and produce it: tutorial and showcase in one
    Demo {
        /// Folder for the song
        #[arg(default_value = "tonmeister-demo")]
        dir: PathBuf,
        /// Another seed plays another take
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Roles, formats and faults of the recordings in a folder; writes nothing
    Scan {
        #[command(flatten)]
        place: Place,
    },
    /// Everything: plan, mix, master, deliver, check, report
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
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Plan and render the pre-master, with a report
    Mix {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        taste: Taste,
        /// Also write stems
        #[arg(long)]
        stems: bool,
        /// Also write processed tracks
        #[arg(long)]
        tracks: bool,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Decide (again) and show the difference; what you have changed stays
    Plan {
        #[command(flatten)]
        place: Place,
        /// Only these steps (1 to 11, or their names) or strips
        #[arg(value_name = "STEP|TRACK")]
        only: Vec<String>,
        #[command(flatten)]
        taste: Taste,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// The evidence behind a strip or a setting
    Why {
        /// Such as vox, or vox.fader_db
        #[arg(value_name = "TRACK[.PARAM]")]
        what: String,
        /// The song's folder
        #[arg(short = 'C', long = "dir", default_value = ".", value_name = "DIR")]
        dir: PathBuf,
    },
    /// Change settings of the session, comments kept
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
    /// Audio from the session as it stands; only what changed is rendered again
    Render {
        #[command(flatten)]
        place: Place,
        /// What to render
        #[arg(value_enum)]
        parts: Vec<RenderPart>,
        /// Show, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Master finished stereo mixes
    Master {
        /// The mixes
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        aim: Aim,
        /// How far the assistant goes
        #[arg(long, value_enum, default_value_t = Style::Normal)]
        style: Style,
        /// Put masters, sessions and caches here instead of beside the files
        #[arg(short = 'o', long = "output", value_name = "FOLDER")]
        home: Option<PathBuf>,
        /// Decide and tell, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the finished master for delivery targets
    Deliver {
        #[command(flatten)]
        place: Place,
        /// Targets, separated by commas; without it, those of the session
        #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
        to: Vec<String>,
        /// Show, but write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Pass or fail of finished files against a target; exit code 3 when one does not pass
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Delivery target
        #[arg(long, default_value = "streaming", value_name = "NAME")]
        target: String,
    },
    /// Numbers only: loudness, peaks, spectrum and more
    Measure {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Also momentary and short-term loudness against time
        #[arg(long)]
        series: bool,
    },
    /// Two files at equal loudness: differences, null depth, spectrum
    Compare {
        /// First file
        a: PathBuf,
        /// Second file
        b: PathBuf,
    },
    /// The processors and their settings
    Processors {
        /// Only these
        ids: Vec<String>,
    },
    /// The delivery targets
    Targets {
        /// Only these
        ids: Vec<String>,
    },
    /// The roles tracks can have, or what names say
    Roles {
        /// Names of tracks
        names: Vec<String>,
    },
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff
    Man,
}

/// What to render.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RenderPart {
    /// The mix
    Premaster,
    /// The master, with the session's chain
    Master,
    /// What goes into the mix; together they are the mix
    Stems,
    /// Every track as it leaves its fader
    Tracks,
}
