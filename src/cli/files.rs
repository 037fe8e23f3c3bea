//! Which files a list of paths means.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;

/// Endings looked at in folders: formats we decode, and some we know and name in the error.
const ENDINGS: [&str; 12] = ["png", "apng", "jpg", "jpeg", "jfif", "gif", "webp", "bmp", "avif", "heic", "jxl", "tiff"];

/// Files as given; folders by their pictures, in the order of names, hidden ones left out.
pub(super) fn pictures(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = in_folder(path)?;
        if found.is_empty() {
            bail!("{} holds no pictures ({})", path.display(), ENDINGS.join(", "));
        }
        files.extend(found);
    }
    Ok(files)
}

/// A folder's pictures, also those of folders in it, in the order of names, hidden ones left out.
pub(super) fn in_folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let visible = |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().to_string_lossy().starts_with('.');
    let mut files = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(visible) {
        let entry = entry.with_context(|| format!("cannot look through {}", path.display()))?;
        if entry.file_type().is_file() && is_picture(entry.path()) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|e| ENDINGS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}
