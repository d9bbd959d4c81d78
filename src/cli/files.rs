//! The scenario files that a command was given.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};

/// Where scenarios are looked for unless something else is said.
const FOLDER: &str = "scenarios";

/// Files as given, and all `*.toml` in folders, in order of their names; without paths those in the folder `scenarios`.
///
/// # Errors
/// A folder that cannot be read, or no file at all (exit 4).
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let files = find(paths)?;
    if files.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let places = if places.is_empty() { format!("the folder {FOLDER}") } else { places.join(", ") };
        return Err(Failure { exit: Exit::NothingRun, message: format!("no scenario file (*.toml) in {places}") });
    }
    Ok(files)
}

fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let default = [PathBuf::from(FOLDER)];
    let paths = if !paths.is_empty() {
        paths
    } else if Path::new(FOLDER).is_dir() {
        &default[..]
    } else {
        &[]
    };
    for path in paths {
        if path.is_dir() {
            search(path, &mut files).map_err(|problem| Failure::usage(format!("cannot read the folder {}: {problem}", path.display())))?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Links to folders are not followed (they may lead back), hidden folders not entered.
fn search(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                search(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_of_names_and_hidden_ones_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b.toml", "a/z.toml", "a/notes.md", ".git/c.toml"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = find(&[folder.path().to_owned(), PathBuf::from("given.txt")]).unwrap();
        assert_eq!(found, [folder.path().join("a/z.toml"), folder.path().join("b.toml"), PathBuf::from("given.txt")]);
    }
}
