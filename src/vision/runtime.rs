//! ONNX Runtime: finds and loads the library, checks the models, builds sessions on the device asked for, and names
//! the execution provider that really ran.

mod library;
mod models;
mod provider;
mod session;

pub use library::{LibraryError, Runtime, load};
pub use models::{ModelError, check_models, models_dir};
pub use provider::Provider;
pub use session::{BadDevice, Device, SessionError, SessionSettings};

use std::fmt;
use std::path::{Path, PathBuf};

/// What brings the library; named in every error that is about it.
const FETCH: &str = "make runtime";

/// Paths one below the other, as an error lists them.
struct Lines<'a>(&'a [PathBuf]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|path| write!(f, "\n    {}", path.display()))
    }
}

/// The project's folder: the nearest of the working directory and its parents that holds `Cargo.toml` and `models/`.
fn project_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|dir| dir.join("Cargo.toml").is_file() && dir.join("models").is_dir()).map(Path::to_path_buf)
}

/// Folders that may hold `runtime/` and `models/`, in the order they are looked at: the project's, the executable's and
/// that one's parents, as far up as `target/TRIPLE/release/deps/` lies below the project.
fn places() -> Vec<PathBuf> {
    const PARENTS: usize = 5;
    let executable = std::env::current_exe().ok();
    let beside = executable.as_deref().and_then(Path::parent).into_iter().flat_map(|dir| dir.ancestors().take(PARENTS));
    let mut places: Vec<PathBuf> = project_folder().into_iter().collect();
    for dir in beside {
        if !places.iter().any(|known| known == dir) {
            places.push(dir.to_path_buf());
        }
    }
    places
}

/// The runtime for tests: `ORT_DYLIB_PATH`, else the project's.
#[cfg(test)]
pub(crate) fn for_tests() -> &'static Runtime {
    let configured = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    load(configured.as_deref()).unwrap_or_else(|error| panic!("{error}"))
}
