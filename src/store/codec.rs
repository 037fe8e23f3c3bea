//! Column encodings: times as Unix milliseconds, vectors as little-endian f32.

use time::OffsetDateTime;

use super::{Result, StoreError};

pub(super) fn millis(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

pub(super) fn time(millis: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .map_err(|e| StoreError::Unreadable(e.to_string()))
}

pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(super) fn floats(bytes: &[u8], expected: usize) -> Result<Vec<f32>> {
    if bytes.len() != 4 * expected {
        return Err(StoreError::Unreadable(format!("{} bytes for a vector of {expected}", bytes.len())));
    }
    floats_as_they_are(bytes)
}

/// A vector of any length.
pub(super) fn floats_as_they_are(bytes: &[u8]) -> Result<Vec<f32>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(StoreError::Unreadable(format!("{} bytes for a vector", bytes.len())));
    }
    Ok(chunks.iter().map(|&c| f32::from_le_bytes(c)).collect())
}
