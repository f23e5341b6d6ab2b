//! The session file: model, strict reading, comment-preserving writing, edits, decisions, merge.
