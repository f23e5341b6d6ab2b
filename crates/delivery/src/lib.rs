//! From a finished master to the files that are handed over: quantised with dither, written, read back and
//! checked against the row of a delivery target.
//!
//! - [`Quantiser`] makes integers of `f64` samples, with TPDF dither where bits are dropped; [`Grid`] finds out
//!   whether any are.
//! - [`TARGETS`] holds what each destination asks for, as data with its source and date; [`preview`] says what
//!   each streaming service will do to a master.
//!
//! This crate never changes loudness or tone.

mod error;
mod grid;
mod name;
mod quantise;
mod random;
mod services;
mod targets;

pub use error::DeliveryError;
pub use grid::{Grid, bits_used};
pub use name::file_stem;
pub use quantise::{Dither, Quantiser};
pub use services::{Preview, SERVICES, Service, TurnsUp, preview};
pub use targets::{Container, DEFAULT_TARGET, Depth, Force, Mark, TARGETS, Target, Text, find_target};
