//! Building blocks, processors, and the description of each.
