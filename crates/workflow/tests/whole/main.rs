//! Whole verbs, as a person calls them, on songs of a few seconds.

mod album;
mod clean_song;
mod feedback;
mod invariance;
mod limiter;
mod master_song;
mod mastering;
mod mending;
mod merge;
mod produce;
mod reasons;
mod rendered;
mod rough_mix;
mod support;
mod takes;
mod translate;
mod versions;

#[path = "../../../files/tests/whole/support/mod.rs"]
mod programs;
