//! The crash sweep.
