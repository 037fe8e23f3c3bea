//! Followed timelines, each on a loopback fake of its service that is held to the vendor's own description.

mod x;
