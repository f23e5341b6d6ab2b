//! Compile a session to a plan; render a plan.
