//! Quantise with dither, encode, name, check against a target's row.
