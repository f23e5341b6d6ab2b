//! Facts, decisions and checks as HTML and JSON.
