//! What the operator tells about itself: log, metrics and audit log.
//!
//! Nothing secret passes here, and no object's or person's name becomes a metric label.

pub mod audit;
pub mod logs;
pub mod metrics;
pub mod text;

pub use audit::Audit;
pub use metrics::Metrics;
