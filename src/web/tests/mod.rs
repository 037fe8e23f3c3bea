//! The page in front of a backend in memory.

mod access;
mod asking;
mod atom;
mod boxes;
mod errors;
mod fixture;
mod locales;
mod look;
mod pages;
mod uploads;
