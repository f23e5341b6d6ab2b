//! Pages and pictures as they are written.

mod page;
mod plots;
mod written;

#[path = "../../examples/sample/song.rs"]
mod song;
