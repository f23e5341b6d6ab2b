//! The steps, one module each; adding one is its `mod` line and its line in [`crate::STEPS`].

pub(crate) mod automation;
pub(crate) mod checks;
pub(crate) mod gain_staging;
pub(crate) mod premaster;
pub(crate) mod preparation;
pub(crate) mod static_mix;
