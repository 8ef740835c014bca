//! Rotation from the command line, run as people run it. No test sleeps: keyrings
//! are made in the past, and `--at` runs through it.
#![cfg(feature = "cli")]

#[path = "rotate_cli/bad_luck.rs"]
mod bad_luck;
#[path = "rotate_cli/doctor.rs"]
mod doctor;
#[path = "rotate_cli/emergencies.rs"]
mod emergencies;
#[path = "rotate_cli/past.rs"]
mod past;
#[path = "cli/place.rs"]
#[allow(dead_code, reason = "shared with the other tests of the command line")]
mod place;
#[path = "rotate_cli/schedule.rs"]
mod schedule;
#[path = "rotate_cli/watch.rs"]
mod watch;
