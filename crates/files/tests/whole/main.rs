//! Readers, writers, encoders and tags, against fixtures, other programs and damage.

mod broadcast;
mod chunks;
mod damaged;
mod encoders;
mod fixtures;
mod formats;
mod holes;
mod hostile;
mod support;
mod tags;
