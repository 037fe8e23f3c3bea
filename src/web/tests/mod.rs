//! The page in front of a backend in memory.

mod access;
mod atom;
mod errors;
mod fixture;
mod locales;
mod look;
mod pages;
mod uploads;
