//! readmit
