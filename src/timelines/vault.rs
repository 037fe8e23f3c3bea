//! What adapters sign in with, in files that are encrypted (XChaCha20-Poly1305) and replaced whole.
//!
//! The key is made of the operator's secret, or lies beside the files, readable by its owner alone: then it protects
//! copies of the database and of single files, not against whoever can read the whole data folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::TryRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Answer, TimelineError, Vault};

/// Bytes of the nonce that each file begins with.
const NONCE: usize = 24;
const KEY_FILE: &str = "key";

/// Why the vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("{} cannot be used: {source}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} holds no key: restore it, or remove the whole folder and sign in anew", .0.display())]
    BadKey(PathBuf),
    #[error("the system gives no randomness")]
    Randomness,
    #[error("{} cannot be opened with this key: MEKIKI_SECRET has changed, or the file is damaged. Sign in anew", .0.display())]
    Locked(PathBuf),
}

/// A folder of encrypted files with one key. Cheap to clone.
#[derive(Clone)]
pub struct Safe {
    folder: PathBuf,
    cipher: Arc<XChaCha20Poly1305>,
}

impl std::fmt::Debug for Safe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Safe").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Safe {
    /// In this folder, which is made if it is not there. Without a secret, a key is made at the first use and kept in it.
    pub fn open(folder: &Path, secret: Option<&SecretString>) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let key = match secret {
            Some(secret) => derived(secret),
            None => kept(&folder.join(KEY_FILE))?,
        };
        Ok(Self { folder: folder.to_owned(), cipher: Arc::new(XChaCha20Poly1305::new(&Key::from(key))) })
    }

    /// The place of one secret; `name` is that of a file.
    pub fn drawer(&self, name: &'static str) -> Drawer {
        Drawer { safe: self.clone(), name }
    }

    fn read(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        let path = self.folder.join(name);
        let sealed = match std::fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(VaultError::File { path, source }),
        };
        let opened = sealed.split_first_chunk::<NONCE>().and_then(|(nonce, sealed)| {
            let payload = Payload { msg: sealed, aad: name.as_bytes() };
            self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        });
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(|text| Some(SecretString::from(text))).ok_or(VaultError::Locked(path))
    }

    fn keep(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        let nonce: [u8; NONCE] = random()?;
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: name.as_bytes() };
        // Only a text longer than 256 GiB cannot be sealed.
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Randomness)?;
        write(&self.folder.join(name), &[&nonce, &sealed])
    }
}

/// Where one service's secret is.
#[derive(Debug, Clone)]
pub struct Drawer {
    safe: Safe,
    name: &'static str,
}

impl Vault for Drawer {
    fn read(&self) -> Answer<'_, Option<SecretString>> {
        Box::pin(async { self.safe.read(self.name).map_err(|error| TimelineError::SignIn(error.to_string())) })
    }

    fn keep(&self, secret: SecretString) -> Answer<'_, ()> {
        let (safe, name) = (self.safe.clone(), self.name);
        Box::pin(async move {
            let kept = tokio::task::spawn_blocking(move || safe.keep(name, &secret)).await;
            match kept {
                Ok(kept) => kept.map_err(|error| TimelineError::Service(error.to_string())),
                Err(error) => Err(TimelineError::Service(error.to_string())),
            }
        })
    }
}

fn derived(secret: &SecretString) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes any key");
    mac.update(b"mekiki vault 1");
    mac.finalize().into_bytes().into()
}

/// The key in this file, made if it is not there.
fn kept(path: &Path) -> Result<[u8; 32], VaultError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let key = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
            key.ok_or_else(|| VaultError::BadKey(path.to_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; 32] = random()?;
            write(path, &[hex::encode(key).as_bytes()])?;
            Ok(key)
        }
        Err(source) => Err(VaultError::File { path: path.to_owned(), source }),
    }
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|_| VaultError::Randomness)?;
    Ok(bytes)
}

/// Whole or not at all, also at a power cut; read by its owner alone (which is how temporary files are made).
fn write(path: &Path, parts: &[&[u8]]) -> Result<(), VaultError> {
    let folder = path.parent().expect("a file lies in a folder");
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        // The name is kept, too.
        #[cfg(unix)]
        std::fs::File::open(folder)?.sync_all()?;
        Ok(())
    };
    written().map_err(|source| VaultError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(found: Option<SecretString>) -> Option<String> {
        found.map(|secret| secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn what_is_kept_is_read_again_and_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let drawer = Safe::open(folder.path(), None).unwrap().drawer("bluesky");
        assert_eq!(text(drawer.read().await.unwrap()), None);
        drawer.keep(SecretString::from("refresh-1")).await.unwrap();
        drawer.keep(SecretString::from("refresh-2")).await.unwrap();
        let again = Safe::open(folder.path(), None).unwrap().drawer("bluesky");
        assert_eq!(text(again.read().await.unwrap()).as_deref(), Some("refresh-2"));
        let bytes = std::fs::read(folder.path().join("bluesky")).unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"refresh"));
        assert!(!format!("{again:?}").contains("refresh"));
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no file is left over: {names:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_reads_key_and_secrets() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Safe::open(folder.path(), None).unwrap().drawer("x").keep(SecretString::from("s")).await.unwrap();
        for name in ["key", "x"] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn another_secret_or_a_damaged_or_swapped_file_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let open = |secret: &str| Safe::open(folder.path(), Some(&SecretString::from(secret))).unwrap();
        open("a long enough secret").drawer("x").keep(SecretString::from("s")).await.unwrap();
        assert!(!folder.path().join("key").exists());
        assert_eq!(text(open("a long enough secret").drawer("x").read().await.unwrap()).as_deref(), Some("s"));
        let refused = open("another secret, long").drawer("x").read().await.unwrap_err();
        assert!(matches!(&refused, TimelineError::SignIn(words) if words.contains("MEKIKI_SECRET")), "{refused}");
        std::fs::copy(folder.path().join("x"), folder.path().join("y")).unwrap();
        assert!(open("a long enough secret").drawer("y").read().await.is_err(), "of another name");
        std::fs::write(folder.path().join("x"), b"short").unwrap();
        assert!(open("a long enough secret").drawer("x").read().await.is_err());
    }

    #[test]
    fn a_key_file_that_holds_none_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "not hex").unwrap();
        assert!(matches!(Safe::open(folder.path(), None), Err(VaultError::BadKey(_))));
    }
}
