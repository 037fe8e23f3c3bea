//! Where ONNX Runtime's library is, and loading it once.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::error::Error as _;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;

use super::{FETCH, Lines, places};

/// ONNX Runtime, loaded. Lives as long as the process: the library cannot be unloaded or exchanged.
#[derive(Debug)]
pub struct Runtime {
    pub(super) environment: Environment,
    path: PathBuf,
}

impl Runtime {
    /// The library that was loaded, symbolic links followed, so that its version stands in the name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why there is no ONNX Runtime. Each says which command to run.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error(
        "ONNX Runtime was not found. Run `{FETCH}` in the project's folder, or name the library in ORT_DYLIB_PATH.\n\
         Looked for:{}",
        Lines(.tried)
    )]
    NotFound { tried: Vec<PathBuf> },
    #[error("ORT_DYLIB_PATH names {}, which is no file. Correct it, or remove it and run `{FETCH}`.", .path.display())]
    ConfiguredMissing { path: PathBuf },
    #[error(
        "ONNX Runtime at {} is too old: version {found}, and 1.{}.0 or newer is needed. Run `{FETCH}`{}.",
        .path.display(), ort::MINOR_VERSION, Remedy(*.configured)
    )]
    TooOld { path: PathBuf, found: String, configured: bool },
    #[error(
        "{} cannot be loaded as ONNX Runtime ({reason}). It is damaged, built for another machine, or something else. \
         Run `{FETCH}`{}.",
        .path.display(), Remedy(*.configured)
    )]
    Unusable { path: PathBuf, reason: String, configured: bool },
    #[error("ONNX Runtime at {} was loaded but does not start: {reason}", .path.display())]
    DoesNotStart { path: PathBuf, reason: String },
}

/// What else has to be done where the file was named in `ORT_DYLIB_PATH`: fetching alone would not change that.
struct Remedy(bool);

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { " and remove ORT_DYLIB_PATH, or let it name another library" } else { "" })
    }
}

/// Loads ONNX Runtime: `configured` (the setting `ORT_DYLIB_PATH`) if there is one, else the first library found in
/// `runtime/` of the project's folder, or beside the executable. Once loaded it stays: later calls return the same one,
/// whatever they name. A failure is not kept.
pub fn load(configured: Option<&Path>) -> Result<&'static Runtime, LibraryError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static LOADING: Mutex<()> = Mutex::new(());

    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let path = match configured {
        // Absolute, since `ort` would look for a relative one beside the executable first.
        Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
        None => find(&places())?,
    };
    let runtime = open(&path, configured.is_some())?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// The library of the first place that has one.
fn find(places: &[PathBuf]) -> Result<PathBuf, LibraryError> {
    let name = format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}");
    let tried: Vec<PathBuf> =
        places.iter().flat_map(|dir| [dir.join("runtime").join(&name), dir.join(&name)]).collect();
    tried.iter().find(|path| path.is_file()).cloned().ok_or(LibraryError::NotFound { tried })
}

fn open(path: &Path, configured: bool) -> Result<Runtime, LibraryError> {
    if !path.is_file() {
        return Err(LibraryError::ConfiguredMissing { path: path.to_path_buf() });
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if is_cut_short(&path) {
        return Err(LibraryError::Unusable { path, reason: "the file is cut short".into(), configured });
    }
    // `init_from` compares the library's version with the API `ort` was built for and returns an error; `ort::init`
    // would panic at its first use instead.
    let builder = ort::init_from(&path).map_err(|e| match e {
        LoadDynamicError::BadVersion { version_str, path } => {
            LibraryError::TooOld { path, found: version_str, configured }
        }
        LoadDynamicError::Dlopen { error, path } => {
            let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            LibraryError::Unusable { path, reason, configured }
        }
        LoadDynamicError::MissingApi { path } => {
            LibraryError::Unusable { path, reason: "it has no function OrtGetApiBase".into(), configured }
        }
        LoadDynamicError::InvalidVersionString => {
            LibraryError::Unusable { path: path.clone(), reason: "it tells no version".into(), configured }
        }
    })?;
    let environment = builder
        .with_name("mekiki")
        .with_telemetry(false)
        .build()
        .map_err(|e| LibraryError::DoesNotStart { path: path.clone(), reason: e.to_string() })?;
    Ok(Runtime { environment, path })
}

/// Whether a 64-bit ELF file ends before its section table, which linkers put last. The loader maps such a file without
/// a look, and the process dies of SIGBUS.
fn is_cut_short(path: &Path) -> bool {
    let mut header = [0_u8; 64];
    let Ok(mut file) = File::open(path) else { return false };
    if file.read_exact(&mut header).is_err() || !header.starts_with(b"\x7fELF\x02\x01") {
        return false; // what is no such ELF file, the loader refuses by itself
    }
    let field =
        |at: usize, bytes: usize| header[at..at + bytes].iter().rev().fold(0_u64, |n, &b| n << 8 | u64::from(b));
    let (table, entry_size, entries) = (field(40, 8), field(58, 2), field(60, 2));
    file.metadata().is_ok_and(|data| data.len() < table.saturating_add(entry_size * entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_names_the_command_and_every_path() {
        let empty = tempfile::tempdir().unwrap();
        let places = [empty.path().join("project"), empty.path().join("bin")];
        let error = find(&places).unwrap_err().to_string();
        assert!(error.contains("make runtime") && error.contains("ORT_DYLIB_PATH"), "{error}");
        for place in &places {
            assert!(error.contains(&place.join("runtime").display().to_string()), "{error}");
            assert!(
                error.contains(&place.join(DLL_PREFIX.to_owned() + "onnxruntime").display().to_string()),
                "{error}"
            );
        }
    }

    #[test]
    fn the_first_place_that_has_a_library_wins() {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}");
        let places = ["a", "b", "c"].map(|p| dir.path().join(p));
        std::fs::create_dir_all(places[1].join("runtime")).unwrap();
        std::fs::create_dir_all(&places[2]).unwrap();
        std::fs::write(places[1].join("runtime").join(&name), "").unwrap();
        std::fs::write(places[2].join(&name), "").unwrap();
        assert_eq!(find(&places).unwrap(), places[1].join("runtime").join(&name));
        assert_eq!(find(&places[2..]).unwrap(), places[2].join(&name));
    }

    #[test]
    fn a_configured_file_that_is_missing_is_not_replaced_by_another() {
        let error = open(Path::new("/nowhere/libonnxruntime.so"), true).unwrap_err();
        assert!(matches!(error, LibraryError::ConfiguredMissing { .. }));
        assert!(error.to_string().contains("/nowhere/libonnxruntime.so"));
    }

    /// Not a test of its own: what the ones below run in a process of its own, since a library once loaded stays.
    #[test]
    #[ignore = "run by the tests beside it"]
    fn child_loads_what_it_is_told() {
        let Some(path) = std::env::var_os("MEKIKI_TEST_LIBRARY") else { return };
        match load(Some(Path::new(&path))) {
            Ok(runtime) => println!("LOADED {}", runtime.path().display()),
            Err(error) => println!("REFUSED {error:?}\n{error}"),
        }
    }

    /// What `load` says of this file in a fresh process.
    fn load_in_a_child(path: &Path) -> String {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "vision::runtime::library::tests::child_loads_what_it_is_told"])
            .args(["--ignored", "--nocapture"])
            .env("MEKIKI_TEST_LIBRARY", path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// A shared library with this source, built by the C compiler that links Rust programs, too.
    fn compiled(source: &str, dir: &Path) -> PathBuf {
        let (code, library) = (dir.join("fake.c"), dir.join(format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}")));
        std::fs::write(&code, source).unwrap();
        let status =
            std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &code]).status().unwrap();
        assert!(status.success());
        library
    }

    #[test]
    fn a_file_that_is_no_library_is_refused_with_the_command_to_run() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("libonnxruntime.so");
        std::fs::write(&page, "<html>not found</html>").unwrap();
        let said = load_in_a_child(&page);
        assert!(said.contains("REFUSED Unusable") && said.contains("make runtime"), "{said}");
        assert!(said.contains("remove ORT_DYLIB_PATH"), "{said}");
    }

    #[test]
    fn a_library_that_is_not_onnx_runtime_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let said = load_in_a_child(&compiled("int something_else(void) { return 1; }", dir.path()));
        assert!(said.contains("REFUSED Unusable") && said.contains("OrtGetApiBase"), "{said}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_library_that_is_cut_short_is_refused_and_kills_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(super::super::for_tests().path()).unwrap();
        for sixteenths in [1, 8, 15] {
            let part = dir.path().join("libonnxruntime.so");
            std::fs::write(&part, &whole[..whole.len() / 16 * sixteenths]).unwrap();
            let said = load_in_a_child(&part);
            assert!(said.contains("REFUSED Unusable") && said.contains("cut short"), "{said}");
        }
    }

    #[test]
    fn a_library_that_is_too_old_is_refused_with_both_versions() {
        const OLD: &str = r#"
            static const void *get_api(unsigned version) { return 0; }
            static const char *get_version(void) { return "1.20.1"; }
            static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base = { get_api, get_version };
            const void *OrtGetApiBase(void) { return &base; }
        "#;
        let dir = tempfile::tempdir().unwrap();
        let said = load_in_a_child(&compiled(OLD, dir.path()));
        assert!(said.contains("REFUSED TooOld") && said.contains("make runtime"), "{said}");
        assert!(said.contains("version 1.20.1") && said.contains("1.24.0 or newer"), "{said}");
    }

    #[test]
    fn the_projects_own_library_loads_and_stays() {
        let runtime = super::super::for_tests();
        assert!(runtime.path().is_file());
        assert!(std::ptr::eq(runtime, load(Some(Path::new("/nowhere"))).unwrap()));
    }
}
