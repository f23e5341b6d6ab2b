//! The program as a whole: what it prints, with what code it ends, and what it leaves behind.

mod bad_input;
mod common;
#[cfg(unix)]
mod cut_off;
#[cfg(unix)]
mod disk;
#[cfg(unix)]
mod hostile;
mod machine;
mod sessions;
mod talk;
mod whole;
mod words;
