//! Regenerates schema, references and plots; guards the shape of the workspace. Never ships.
