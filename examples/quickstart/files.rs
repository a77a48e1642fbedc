//! Finds the files below a folder.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use ignore::{DirEntry, WalkBuilder};
use mosquito::RunId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A folder whose files are wanted.
#[derive(Clone)]
pub(crate) struct Files {
    root: PathBuf,
    /// The program's own files, which change while it looks.
    own: [PathBuf; 6],
}

impl Files {
    /// The files below a path, but for those that keep the state.
    pub(crate) fn below(path: &Path, state: &str) -> io::Result<Self> {
        let root = fs::canonicalize(path)
            .map_err(|why| io::Error::new(why.kind(), format!("cannot read `{}`: {why}", path.display())))?;
        let state = env::current_dir()?.join(state);
        let folder = state.parent().map(fs::canonicalize).transpose()?.unwrap_or_default();
        let name = state.file_name().unwrap_or_default();
        let own = ["", "-wal", "-shm", ".results", ".results-wal", ".results-shm"].map(|ending| {
            let mut own = name.to_owned();
            own.push(ending);
            folder.join(own)
        });
        Ok(Self { root, own })
    }

    /// Calls a function with each file as it is found, until that says that it has enough.
    pub(crate) fn walk(&self, mut found: impl FnMut(FilePath) -> bool) {
        let not_git = |entry: &DirEntry| entry.file_name() != ".git";
        for entry in WalkBuilder::new(&self.root).hidden(false).filter_entry(not_git).build() {
            match entry {
                Ok(entry) if !is_file(&entry) || self.own.iter().any(|own| own == entry.path()) => (),
                Ok(entry) => {
                    if !found(FilePath::of(entry.path())) {
                        break;
                    }
                }
                Err(why) => tracing::warn!(target: "quickstart", "left out: {why}"),
            }
        }
    }

    /// How a file is called in the table: by its path below the folder.
    pub(crate) fn name(&self, file: &FilePath) -> String {
        let path = file.to_path();
        match path.strip_prefix(&self.root) {
            Ok(below) if below != Path::new("") => FilePath::of(below).0,
            _ => FilePath::of(Path::new(path.file_name().unwrap_or_default())).0,
        }
    }
}

/// A file, or a link to one or to nothing: no folder, and nothing that one may wait at forever.
fn is_file(entry: &DirEntry) -> bool {
    match entry.file_type() {
        Some(kind) if kind.is_symlink() => entry.path().metadata().map_or(true, |behind| behind.is_file()),
        Some(kind) => kind.is_file(),
        None => false,
    }
}

/// Any path as text, and back: what is not UTF-8, control characters and `%` itself are written as `%` and
/// two hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FilePath(String);

impl FilePath {
    /// The text of a path.
    pub(crate) fn of(path: &Path) -> Self {
        let mut text = String::new();
        for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '%' | '\0'..' ' | '\x7f' => text.push_str(&format!("%{:02X}", u32::from(character))),
                    _ => text.push(character),
                }
            }
            for byte in chunk.invalid() {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
        Self(text)
    }

    /// The path of a text.
    pub(crate) fn to_path(&self) -> PathBuf {
        let (mut bytes, mut rest) = (Vec::new(), self.0.as_bytes());
        while let [first, behind @ ..] = rest {
            let escaped = behind.get(..2).filter(|_| *first == b'%').and_then(hex);
            bytes.push(escaped.unwrap_or(*first));
            rest = if escaped.is_some() { &behind[2..] } else { behind };
        }
        os_string(bytes).into()
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// An id made from the path, which may be longer than an id and have characters that no id has.
    pub(crate) fn run_id(&self) -> RunId {
        let hash = Sha256::digest(&self.0);
        let id: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        RunId::new(id).expect("64 hexadecimal digits are an id")
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&bytes).to_owned()
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
