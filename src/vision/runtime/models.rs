//! The model files: where they are, and that they are the ones the checksums name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Lines, places};

/// The list of checksums beside the models, in the format of `sha256sum`.
const CHECKSUMS: &str = "SHA256SUMS";

/// What is wrong with a model file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("no folder models/ with {CHECKSUMS} was found. Run mekiki in the project's folder. Looked in:{}", Lines(.tried))]
    NoFolder { tried: Vec<PathBuf> },
    #[error("{} cannot be read ({error}). Restore it: `git checkout -- models`.", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}, line {line}, is not `CHECKSUM  FILE`. Restore it: `git checkout -- models`.", .path.display())]
    BadList { path: PathBuf, line: usize },
    #[error("{} is a Git LFS pointer, not the model. Fetch the file itself: `git lfs pull`.", .path.display())]
    LfsPointer { path: PathBuf },
    #[error(
        "{} is damaged or was changed: it has {bytes} bytes and the SHA-256 {found}, not {expected}. \
         Restore it: `git checkout -- models`.",
        .path.display()
    )]
    WrongChecksum { path: PathBuf, bytes: u64, expected: String, found: String },
}

/// The project's `models/`, or that of the executable's folder or its parents.
pub fn models_dir() -> Result<PathBuf, ModelError> {
    let tried: Vec<PathBuf> = places().into_iter().map(|dir| dir.join("models")).collect();
    tried.iter().find(|dir| dir.join(CHECKSUMS).is_file()).cloned().ok_or(ModelError::NoFolder { tried })
}

/// Compares every file of `dir/SHA256SUMS` with its checksum; the first that differs is the error.
pub fn check_models(dir: &Path) -> Result<(), ModelError> {
    let list = dir.join(CHECKSUMS);
    let text = std::fs::read_to_string(&list).map_err(|error| ModelError::Unreadable { path: list.clone(), error })?;
    let mut checked = 0;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = || ModelError::BadList { path: list.clone(), line: number + 1 };
        let (expected, name) = line.split_once("  ").ok_or_else(bad)?;
        if expected.len() != 64 || name.is_empty() {
            return Err(bad());
        }
        check(&dir.join(name), expected)?;
        checked += 1;
    }
    if checked == 0 { Err(ModelError::BadList { path: list, line: 1 }) } else { Ok(()) }
}

fn check(path: &Path, expected: &str) -> Result<(), ModelError> {
    const POINTER: &[u8] = b"version https://git-lfs";
    let unreadable = |error| ModelError::Unreadable { path: path.to_path_buf(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut block).map_err(unreadable)?;
        if n == 0 {
            break;
        }
        if bytes == 0 && block[..n].starts_with(POINTER) {
            return Err(ModelError::LfsPointer { path: path.to_path_buf() });
        }
        digest.update(&block[..n]);
        bytes += n as u64;
    }
    let found = hex::encode(digest.finalize());
    if found == expected {
        return Ok(());
    }
    Err(ModelError::WrongChecksum { path: path.to_path_buf(), bytes, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
    }

    #[test]
    fn the_shipped_models_are_the_listed_ones() {
        check_models(&shipped()).unwrap();
        let list = fs::read_to_string(shipped().join(CHECKSUMS)).unwrap();
        for entry in fs::read_dir(shipped()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(path.extension().is_none_or(|e| e != "onnx") || list.contains(name), "{name} has no checksum");
        }
    }

    #[test]
    fn each_kind_of_damage_names_the_file_and_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(shipped().join(CHECKSUMS), dir.path().join(CHECKSUMS)).unwrap();
        let error = || check_models(dir.path()).unwrap_err();
        let model = dir.path().join("embed-v2.onnx");

        assert!(matches!(error(), ModelError::Unreadable { path, .. } if path == model));

        fs::write(&model, &fs::read(shipped().join("embed-v2.onnx")).unwrap()[..1_000_000]).unwrap();
        let truncated = error();
        assert!(matches!(&truncated, ModelError::WrongChecksum { bytes: 1_000_000, .. }), "{truncated}");
        assert!(truncated.to_string().contains("embed-v2.onnx") && truncated.to_string().contains("git checkout"));

        fs::write(&model, "version https://git-lfs.github.com/spec/v1\noid sha256:69e8\nsize 17218153\n").unwrap();
        assert!(error().to_string().contains("git lfs pull"));
    }

    #[test]
    fn a_list_that_names_nothing_checks_nothing_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(check_models(dir.path()), Err(ModelError::Unreadable { .. })));
        for (text, bad) in [("", 1), ("\n\n", 1), ("abc  face.onnx\n", 1), ("no checksum\n", 1)] {
            fs::write(dir.path().join(CHECKSUMS), text).unwrap();
            assert!(
                matches!(check_models(dir.path()), Err(ModelError::BadList { line, .. }) if line == bad),
                "{text:?}"
            );
        }
    }
}
