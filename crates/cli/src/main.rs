//! The command line: a thin face over `workflow`.

fn main() {}
