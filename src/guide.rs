//! How to use it, one page for each thing people come for.
//!
//! - [Getting started](getting_started)
//! - [Claims and policies](claims_and_policies)
//! - [Keys and formats](keys_and_formats)
//! - [Rotation, for operators](rotation)
//! - [Revocation](revocation)
//! - [Browser sessions](browser_sessions)
//! - [Many machines](many_machines)
//! - [Speed](speed)
//! - [Threats](threats)
//! - [Design questions](design_questions)

pub mod getting_started {
    #![doc = include_str!("../docs/guide/getting-started.md")]
}

pub mod claims_and_policies {
    #![doc = include_str!("../docs/guide/claims-and-policies.md")]
}

pub mod keys_and_formats {
    #![doc = include_str!("../docs/guide/keys-and-formats.md")]
}

pub mod rotation {
    #![doc = include_str!("../docs/guide/rotation.md")]
}

pub mod revocation {
    #![doc = include_str!("../docs/guide/revocation.md")]
}

pub mod browser_sessions {
    #![doc = include_str!("../docs/guide/browser-sessions.md")]
}

pub mod many_machines {
    #![doc = include_str!("../docs/guide/many-machines.md")]
}

pub mod speed {
    #![doc = include_str!("../docs/guide/speed.md")]
}

pub mod threats {
    #![doc = include_str!("../docs/guide/threats.md")]
}

pub mod design_questions {
    #![doc = include_str!("../docs/guide/design-questions.md")]
}
