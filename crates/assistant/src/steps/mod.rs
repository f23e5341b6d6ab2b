//! The steps, one module each; adding one is its `mod` line and its line in [`crate::STEPS`].

pub(crate) mod additive_eq;
pub(crate) mod automation;
pub(crate) mod character;
pub(crate) mod checks;
pub(crate) mod dynamics;
pub(crate) mod gain_staging;
pub(crate) mod premaster;
pub(crate) mod preparation;
pub(crate) mod space;
pub(crate) mod static_mix;
pub(crate) mod subtractive_eq;
