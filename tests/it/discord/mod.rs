//! The program on Discord, from outside: a loopback Discord with people on it, and the real program as the bot.

mod agegate;
mod asking;
pub(crate) mod bench;
mod chaos;
mod closing;
mod commands;
mod curating;
mod fake;
mod fake_itself;
mod following;
mod inside;
mod limiter;
mod panel;
mod processes;
mod stage;
mod stopping;
mod timelines;
mod trouble;
mod votes;
mod watching;
