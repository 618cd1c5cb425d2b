use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use examples::named;

/// A folder, and no way out of it.
///
/// On Linux the system itself sees to that (openat2(2), `RESOLVE_BENEATH`): no `..` and no symbolic link
/// leads out, whatever is moved or linked meanwhile. Absolute links are not followed at all. Elsewhere
/// the links are looked at before, so that whoever may write into the folder might be faster.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    #[cfg(target_os = "linux")]
    directory: File,
}

impl Folder {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let open = || {
            let root = root.canonicalize()?;
            if !root.is_dir() {
                return Err(ErrorKind::NotADirectory.into());
            }
            Ok(Self {
                #[cfg(target_os = "linux")]
                directory: File::open(&root)?,
                root,
            })
        };
        open().map_err(|error| named(root.display(), error))
    }

    /// Opens the file that the path of a request means: of a folder its `index.html`.
    ///
    /// # Errors
    ///
    /// `NotFound` for whatever is no file in this folder, also if it is one outside.
    pub(crate) fn file(&self, path: &str) -> io::Result<(File, PathBuf)> {
        let mut path = relative(path).ok_or(ErrorKind::NotFound)?;
        let mut file = self.open_beneath(&path)?;
        if file.metadata()?.is_dir() {
            path.push("index.html");
            file = self.open_beneath(&path)?;
        }
        // Not a pipe, a device or a socket.
        if !file.metadata()?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok((file, path))
    }

    #[cfg(target_os = "linux")]
    fn open_beneath(&self, path: &Path) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        // Opening a pipe would wait for somebody who writes.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.directory, path, flags, Mode::empty(), resolve) {
            Ok(file) => Ok(file.into()),
            // A kernel before 5.6, or a sandbox that does not know the call.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => self.open_looked_at(path),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_beneath(&self, path: &Path) -> io::Result<File> {
        self.open_looked_at(path)
    }

    fn open_looked_at(&self, path: &Path) -> io::Result<File> {
        let path = self.root.join(path).canonicalize()?;
        if !path.starts_with(&self.root) || !(path.is_file() || path.is_dir()) {
            return Err(ErrorKind::NotFound.into());
        }
        File::open(path)
    }
}

/// A path in the folder, of which no part leads up, or nowhere.
fn relative(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    let mut relative = PathBuf::new();
    for part in path.split('/') {
        match decoded(part)?.as_str() {
            "" | "." => {}
            ".." => return None,
            // It is one part, whatever is encoded in it.
            part if part.contains(['/', '\\', '\0']) => return None,
            part => relative.push(part),
        }
    }
    Some(relative)
}

/// Without its `%41`s, once.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = part.bytes();
    let mut decoded = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_folder() {
        for (path, expected) in [
            ("/", ""),
            ("/a", "a"),
            ("/a/b.txt", "a/b.txt"),
            ("//a///b/", "a/b"),
            ("/./a/.", "a"),
            ("/a%20b", "a b"),
            ("/%C3%A4", "ä"),
            ("/...", "..."),
            ("/%252e%252e", "%2e%2e"),
        ] {
            assert_eq!(relative(path), Some(expected.into()), "{path}");
        }
    }

    #[test]
    fn no_path_leads_out() {
        for path in [
            "",
            "*",
            "a",
            "http://here/a",
            "/..",
            "/a/../b",
            "/../../etc/passwd",
            "/%2e%2e/a",
            "/.%2E/a",
            "/a%2fb",
            "/..%2fetc",
            "/..%5cetc",
            "/a%00",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/%ff",
        ] {
            assert_eq!(relative(path), None, "{path}");
        }
    }
}
