//! Decode, repair and encode audio files; hashes.
