//! What is special to the dynamics processors, judged against mathematics and independent measurement.

mod clip_limiter;
mod common;
mod compressor;
mod de_esser;
mod ducker;
mod gain_cells;
mod gate;
mod leveller;
mod limiter;
mod perceptual_limiter;
mod transient;
