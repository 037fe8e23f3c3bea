//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.

#[macro_use]
mod words;

pub use words::Lang;
