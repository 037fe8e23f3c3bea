//! The outbox against a small Discord of its own.
