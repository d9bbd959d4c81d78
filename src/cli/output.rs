//! Files that appear whole or not at all.
//!
//! A file is written beside its target under a temporary name and renamed at the end, so that nothing half-written is ever found
//! under the real name, and an old result survives a run that fails. What is no regular file (a pipe, `/dev/null`) is written directly.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::exit::Failure;

/// Temporary files that exist, for an exit in the middle.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An open output.
#[derive(Debug)]
pub struct Output {
    /// As given, for messages.
    path: PathBuf,
    file: BufWriter<File>,
    /// `None`: written directly.
    rename: Option<Rename>,
}

#[derive(Debug)]
struct Rename {
    from: PathBuf,
    to: PathBuf,
    done: bool,
}

impl Output {
    /// Opens `path` for writing; an existing regular file stays as it is until [`Output::finish`].
    ///
    /// # Errors
    /// Whatever would make writing fail and can be known now: a missing or read-only folder, a folder of that name, a
    /// file without write permission.
    pub fn create(path: &Path) -> Result<Output, Failure> {
        Output::open(path).map_err(|problem| Failure::output(path.display(), &problem))
    }

    fn open(path: &Path) -> io::Result<Output> {
        // Through symbolic links, so that the link stays one.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let direct = |file| Ok(Output { path: path.to_owned(), file: BufWriter::new(file), rename: None });
        let existing = match fs::metadata(path) {
            // A device file may lead to a regular one (`/dev/fd/3`), which belongs to whoever opened it.
            Ok(metadata) if !metadata.is_file() || path.starts_with("/dev") || path.starts_with("/proc") => {
                return direct(OpenOptions::new().append(true).open(path)?);
            }
            Ok(metadata) => Some(metadata),
            Err(problem) if problem.kind() == ErrorKind::NotFound => None,
            Err(problem) => return Err(problem),
        };
        if let Some(metadata) = &existing {
            // Renaming would replace even a read-only file; asking first keeps to what its owner said.
            drop(OpenOptions::new().append(true).open(&target)?);
            let (file, rename) = temporary_beside(&target)?;
            let output = Output { path: path.to_owned(), file: BufWriter::new(file), rename: Some(rename) };
            output.file.get_ref().set_permissions(metadata.permissions())?;
            return Ok(output);
        }
        let (file, rename) = temporary_beside(&target)?;
        Ok(Output { path: path.to_owned(), file: BufWriter::new(file), rename: Some(rename) })
    }

    /// Writes `text` and finishes. A pipe whose reader went away is no error.
    ///
    /// # Errors
    /// As [`Output::finish`].
    pub fn write_whole(mut self, text: &str) -> Result<(), Failure> {
        match self.write_all(text.as_bytes()) {
            Err(problem) if problem.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(problem) => Err(Failure::output(self.path.display(), &problem)),
            Ok(()) => self.finish(),
        }
    }

    /// Makes the file appear under its name.
    ///
    /// # Errors
    /// A full disk, or a folder that is gone; then no trace of the file stays.
    pub fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.file.flush();
        let renamed = match (&flushed, &mut self.rename) {
            (Ok(()), Some(rename)) => fs::rename(&rename.from, &rename.to).inspect(|()| {
                forget(&rename.from);
                rename.done = true;
            }),
            _ => Ok(()),
        };
        match flushed.and(renamed) {
            Err(problem) if problem.kind() != ErrorKind::BrokenPipe => Err(Failure::output(self.path.display(), &problem)),
            _ => Ok(()),
        }
    }

    /// As given by the user.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Rename {
    fn drop(&mut self) {
        if !self.done {
            // The run failed already; a file that cannot be removed changes nothing about that.
            let _ = fs::remove_file(&self.from);
            forget(&self.from);
        }
    }
}

/// Removes what is half-written, for an exit without destructors.
pub fn remove_temporary_files() {
    for path in TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = fs::remove_file(path);
    }
}

fn forget(path: &Path) {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known != path);
}

/// A new file in the folder of `target`: only there is a rename atomic, and only there is it known to be possible.
fn temporary_beside(target: &Path) -> io::Result<(File, Rename)> {
    let name = target.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not the name of a file"))?;
    let process = std::process::id();
    let mut attempt = 0_u32;
    loop {
        let from = target.with_file_name(format!(".{}.{process}-{attempt}.tmp", name.to_string_lossy()));
        match OpenOptions::new().write(true).create_new(true).open(&from) {
            Ok(file) => {
                TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).push(from.clone());
                return Ok((file, Rename { from, to: target.to_owned(), done: false }));
            }
            // Left behind by a process of the same number that was killed.
            Err(problem) if problem.kind() == ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
            Err(problem) => return Err(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_at_the_end_and_an_old_one_stays_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        fs::write(&path, "old").unwrap();
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"new").unwrap();
        output.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["result.json"], "nothing else is left");
    }

    #[test]
    fn nothing_stays_of_what_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::create(&folder.path().join("result.json")).unwrap();
        output.write_all(b"half").unwrap();
        assert_eq!(names(folder.path()).len(), 1, "the temporary file");
        drop(output);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_written_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Output::create(&folder.path().join("no/such/result.json")).unwrap_err();
        assert_eq!(missing.exit, Exit::Output);
        assert!(missing.message.contains("no/such/result.json"), "{}", missing.message);
        assert_eq!(Output::create(folder.path()).unwrap_err().exit, Exit::Output, "a folder");
        assert_eq!(Output::create(Path::new("")).unwrap_err().exit, Exit::Output, "no name");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_output_error_and_a_null_device_is_fine() {
        let full = Output::create(Path::new("/dev/full")).unwrap().write_whole("text").unwrap_err();
        assert_eq!(full.exit, Exit::Output);
        Output::create(Path::new("/dev/null")).unwrap().write_whole("text").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Output::create(&link).unwrap().write_whole("new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_folder_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        // The superuser may write everywhere; then there is nothing to see.
        if File::create(folder.path().join("probe")).is_err() {
            assert_eq!(Output::create(&folder.path().join("result.json")).unwrap_err().exit, Exit::Output);
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
