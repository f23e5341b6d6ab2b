//! Meters, and facts about a signal.
