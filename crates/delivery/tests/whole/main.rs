//! Files as they are handed over: written, read back, checked.

mod check;
mod coded;
mod deliver;
mod dither;
mod support;

#[path = "../../../files/tests/whole/support/mod.rs"]
mod programs;
