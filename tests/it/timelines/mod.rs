//! Followed timelines against loopback services that answer as the vendors describe it.

mod simulated;
mod soak;
