use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

/// An empty directory for one test, removed when it is dropped.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// `name` is different for each test of a file.
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{}-{}-{name}", env!("CARGO_CRATE_NAME"), process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // An error: the test has removed it.
        let _ = fs::remove_dir_all(&self.path);
    }
}
