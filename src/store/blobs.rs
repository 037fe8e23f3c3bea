//! Files by content hash: the spool of claimed originals, and the crops and previews that people look at.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Result, StoreError};
use crate::domain::PictureId;

/// SHA-256 of a file's bytes.
pub type BlobId = PictureId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobKind {
    /// Originals that wait for analysis; removed once analysed.
    Spool,
    /// Face crops and previews, JPEG; have a size budget and an age limit.
    Crop,
}

impl BlobKind {
    fn folder(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Crop => "crops",
        }
    }
}

/// The data folder's files. A file is written whole or not at all.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    pub fn open(root: &Path) -> Result<Self> {
        for kind in [BlobKind::Spool, BlobKind::Crop] {
            fs::create_dir_all(root.join(kind.folder()))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Writes the bytes under their hash; durable when it returns.
    pub fn put(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobId> {
        let id = BlobId::of(bytes);
        let path = self.path(kind, id);
        if path.exists() {
            return Ok(id);
        }
        let folder = path.parent().expect("a blob lies in a folder");
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|e| StoreError::Files(e.error))?;
        fs::File::open(folder)?.sync_all()?;
        Ok(id)
    }

    /// The bytes, or `None` when the file is no longer kept.
    pub fn get(&self, kind: BlobKind, id: BlobId) -> Result<Option<Vec<u8>>> {
        Ok(present(fs::read(self.path(kind, id)))?)
    }

    pub fn has(&self, kind: BlobKind, id: BlobId) -> bool {
        self.path(kind, id).exists()
    }

    pub fn remove(&self, kind: BlobKind, id: BlobId) -> Result<()> {
        remove_file(&self.path(kind, id))
    }

    /// Removes files older than `max_age`, then the oldest until the kind fits into `budget` bytes; what a killed write
    /// left behind goes with them. Returns how many files went.
    pub fn sweep(&self, kind: BlobKind, budget: u64, max_age: Duration, now: SystemTime) -> Result<usize> {
        let mut files = Vec::new();
        for path in self.files(kind)? {
            // Another task may just have removed it.
            if let Some(meta) = present(fs::metadata(&path))? {
                files.push((meta.modified()?, meta.len(), path));
            }
        }
        files.sort();
        let mut total: u64 = files.iter().map(|f| f.1).sum();
        let mut removed = 0;
        for (modified, size, path) in files {
            let old = now.duration_since(modified).is_ok_and(|age| age > max_age);
            if !old && total <= budget {
                break;
            }
            remove_file(&path)?;
            total -= size;
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes all files of a kind but these, also what a killed write left behind; nobody may be writing. Returns how
    /// many went.
    pub fn keep_only(&self, kind: BlobKind, kept: &HashSet<BlobId>) -> Result<usize> {
        let mut removed = 0;
        for path in self.files(kind)? {
            let id = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            if id.is_none_or(|id| !kept.contains(&id)) {
                remove_file(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn files(&self, kind: BlobKind) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(self.root.join(kind.folder())) {
            let entry = entry.map_err(std::io::Error::from)?;
            if entry.file_type().is_file() {
                files.push(entry.into_path());
            }
        }
        Ok(files)
    }

    fn path(&self, kind: BlobKind, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.root.join(kind.folder()).join(&name[..2]).join(name)
    }
}

fn remove_file(path: &Path) -> Result<()> {
    present(fs::remove_file(path))?;
    Ok(())
}

/// `None` when there is no such file.
fn present<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_put_and_sweeps_the_oldest_first() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let blobs = Blobs::open(dir.path()).expect("opens");
        let put = |bytes: &[u8], age: u64| {
            let id = blobs.put(BlobKind::Crop, bytes).expect("writes");
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            let file = fs::File::options().write(true).open(blobs.path(BlobKind::Crop, id)).expect("opens");
            file.set_modified(at).expect("sets the time");
            id
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (old, middle, new) = (put(b"aaaa", 500), put(b"bbbb", 50), put(b"cccc", 5));
        assert_eq!(blobs.get(BlobKind::Crop, middle).expect("reads").as_deref(), Some(&b"bbbb"[..]));
        let sweep = |budget, age| blobs.sweep(BlobKind::Crop, budget, Duration::from_secs(age), now).expect("sweeps");
        assert_eq!(sweep(12, 500), 0);
        assert_eq!(sweep(12, 499), 1);
        assert!(!blobs.has(BlobKind::Crop, old));
        assert_eq!(sweep(4, 499), 1);
        assert!(!blobs.has(BlobKind::Crop, middle) && blobs.has(BlobKind::Crop, new));
        assert_eq!(blobs.files(BlobKind::Crop).expect("lists"), [blobs.path(BlobKind::Crop, new)]);
        blobs.remove(BlobKind::Crop, new).expect("removes");
        blobs.remove(BlobKind::Crop, new).expect("removing twice is no error");
        assert_eq!(blobs.get(BlobKind::Crop, new).expect("reads"), None);
    }

    #[test]
    fn keeps_only_what_is_asked_for_and_no_torn_writes() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let blobs = Blobs::open(dir.path()).expect("opens");
        let (kept, dropped) = (blobs.put(BlobKind::Spool, b"a"), blobs.put(BlobKind::Spool, b"b"));
        let (kept, dropped) = (kept.expect("writes"), dropped.expect("writes"));
        // What `put` leaves when it is killed before the rename.
        let torn = blobs.path(BlobKind::Spool, kept).with_file_name(".tmpXYZ");
        fs::write(&torn, b"half").expect("writes");
        let crop = blobs.put(BlobKind::Crop, b"c").expect("writes");
        assert_eq!(blobs.keep_only(BlobKind::Spool, &HashSet::from([kept])).expect("removes"), 2);
        assert!(blobs.has(BlobKind::Spool, kept) && !blobs.has(BlobKind::Spool, dropped) && !torn.exists());
        assert!(blobs.has(BlobKind::Crop, crop));
    }
}
