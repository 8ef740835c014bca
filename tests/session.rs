//! Browser sessions: what a cookie is good for, and for how long.

#[path = "session/histories.rs"]
mod histories;
#[path = "session/renewals.rs"]
mod renewals;
#[path = "session/rules.rs"]
mod rules;
#[path = "session/scene.rs"]
mod scene;
