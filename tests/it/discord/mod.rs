//! The program on Discord, from outside: a loopback Discord with people on it, and the real program as the bot.

mod fake;
mod fake_itself;
