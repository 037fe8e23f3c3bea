//! A taste as bytes, for the store.
//!
//! `MKTASTE` and a zero, a little-endian u32 format version, a u32 header length, the header as JSON, then the
//! centres (bfloat16) and f32s (their weights, reduction), then the bytes of the taste it stands upon, if any, then the SHA-256 of
//! all before it. The header is JSON so that it can be read by eye and
//! grow; the arrays are not, since they are 99 % of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::Taste;
use super::evidence::Hyperparameters;
use super::kernel::{DIMS, Faces};
use super::posterior::{CENTRES, Posterior, RANK};

const MAGIC: &[u8; 8] = b"MKTASTE\0";
const VERSION: u32 = 3;
const CHECKSUM: usize = 32;

/// Why bytes are no taste. Ratings are never lost with it: a new fit makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("these bytes are not a stored taste: fit again")]
    NotATaste,
    #[error("the stored taste has format {found}, this program reads {VERSION}: fit again")]
    Version { found: u32 },
    #[error("the stored taste is damaged ({what}): fit again")]
    Damaged { what: &'static str },
}

#[derive(Serialize, Deserialize)]
struct Header {
    ratings: u32,
    #[serde(with = "time::serde::rfc3339")]
    newest: OffsetDateTime,
    hyperparameters: Hyperparameters,
    dims: usize,
    centres: usize,
    rank: usize,
    /// Length in bytes of the taste it stands upon.
    upon: usize,
}

impl Taste {
    pub fn to_bytes(&self) -> Vec<u8> {
        let posterior = &self.posterior;
        let upon = self.upon.as_ref().map(|taste| taste.to_bytes()).unwrap_or_default();
        let centres = posterior.centres.len();
        let header = Header {
            ratings: self.ratings,
            newest: self.newest,
            hyperparameters: posterior.at,
            dims: DIMS,
            centres,
            rank: posterior.reduction.len() / (centres + 1),
            upon: upon.len(),
        };
        let header = serde_json::to_vec(&header).expect("plain numbers and a time in UTC's range become JSON");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u32::try_from(header.len()).expect("a header is short").to_le_bytes());
        bytes.extend(header);
        bytes.extend(posterior.centres.packed().iter().flat_map(|x| x.to_le_bytes()));
        for array in [&posterior.alpha, &posterior.reduction] {
            bytes.extend(array.iter().flat_map(|x| x.to_le_bytes()));
        }
        bytes.extend(upon);
        let checksum = Sha256::digest(&bytes);
        bytes.extend(checksum);
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NotATaste)?;
        let version = take_u32(&mut rest)?;
        if version != VERSION {
            return Err(DecodeError::Version { found: version });
        }
        let body = bytes.len().checked_sub(CHECKSUM).ok_or(CUT_SHORT)?;
        if Sha256::digest(&bytes[..body]).as_slice() != &bytes[body..] {
            return Err(DecodeError::Damaged { what: "its checksum does not match" });
        }
        let length = take_u32(&mut rest)? as usize;
        let (header, arrays) = rest.split_at_checked(length).ok_or(CUT_SHORT)?;
        let header: Header =
            serde_json::from_slice(header).map_err(|_| DecodeError::Damaged { what: "its header cannot be read" })?;
        if header.dims != DIMS || !(1..=CENTRES).contains(&header.centres) || header.rank > RANK {
            return Err(DecodeError::Damaged { what: "it is for features of another length" });
        }
        let arrays = arrays.get(..arrays.len().saturating_sub(CHECKSUM)).unwrap_or_default();
        let [rows, reduction] = [header.centres * DIMS, header.rank * (header.centres + 1)];
        let length = 2 * rows + 4 * (header.centres + 1 + reduction);
        let (arrays, upon) = arrays.split_at_checked(length).ok_or(CUT_SHORT)?;
        if upon.len() != header.upon {
            return Err(CUT_SHORT);
        }
        let (centres, arrays) = arrays.split_at(2 * rows);
        let centres: Vec<u16> = centres.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let mut floats = arrays.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let mut take = |count| -> Vec<f32> { floats.by_ref().take(count).collect() };
        Ok(Self {
            ratings: header.ratings,
            newest: header.newest,
            posterior: Posterior::new(
                header.hyperparameters,
                Faces::from_packed(&centres),
                take(header.centres + 1),
                take(reduction),
            ),
            upon: if upon.is_empty() { None } else { Some(Arc::new(Self::from_bytes(upon)?)) },
        })
    }
}

const CUT_SHORT: DecodeError = DecodeError::Damaged { what: "its length is wrong" };

fn take_u32(bytes: &mut &[u8]) -> Result<u32, DecodeError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(CUT_SHORT)?;
    *bytes = rest;
    Ok(u32::from_le_bytes(*number))
}
