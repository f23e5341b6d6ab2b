//! The program as a whole: what it prints, with what code it ends, and what it leaves behind.

mod bad_input;
mod between;
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
#[cfg(target_os = "linux")]
mod terminal;
mod views;
mod whole;
mod words;
