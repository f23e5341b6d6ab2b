//! Reference match, mastering decisions, loudness solver.
