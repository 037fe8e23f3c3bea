//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.
