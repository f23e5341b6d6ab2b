//! The program as a whole: what it prints, with what code it ends, and what it leaves behind.

mod bad_input;
mod common;
mod machine;
mod sessions;
mod talk;
mod views;
mod whole;
mod words;
