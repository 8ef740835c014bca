//! What is counted, and the text that Prometheus reads.

mod count;
mod text;

pub(super) use count::{Endpoint, Metrics};
pub(super) use text::{Gauges, ListGauges, render};
