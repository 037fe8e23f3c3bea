//! Bytes → faces with embeddings: decode, letterbox, detector, embedder, engine.

pub mod runtime;
