//! Mixing steps: facts and session to decisions with reasons.

pub mod roles;
