//! The adapter of X on a loopback X.

mod contract;
mod fake;
mod money;
mod reading;
mod signing_in;
mod stage;
mod world;
