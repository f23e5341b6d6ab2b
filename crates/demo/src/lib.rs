//! A song synthesised from code alone, with one planted fault per step.
