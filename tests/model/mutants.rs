//! The world without one of the guards that the core relies on: the exploration must notice. One that finds nothing wrong
//! here would find nothing anywhere.
