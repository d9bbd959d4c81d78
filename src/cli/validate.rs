//! `lbsim validate`: every error of every file, without running anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::Validate as Options;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::render::number::plural;
use crate::scenario::{self, Overrides, Scenario};

/// Where scenarios are looked for unless something else is said.
const FOLDER: &str = "scenarios";

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let files = files(&options.paths)?;
    if files.is_empty() {
        let places: Vec<String> = options.paths.iter().map(|path| path.display().to_string()).collect();
        let places = if places.is_empty() { format!("the folder {FOLDER}") } else { places.join(", ") };
        return Err(Failure { exit: Exit::NothingRun, message: format!("no scenario file (*.toml) in {places}") });
    }
    let overrides = Overrides { set: options.set.clone(), seed: None, strategy: None };
    let mut invalid = 0;
    for file in &files {
        match scenario::load(&file.to_string_lossy(), &overrides) {
            Ok(loaded) => {
                let warnings = loaded.warnings.len();
                if warnings > 0 {
                    terminal.remark(&loaded.warnings.render(terminal.color_stderr, terminal.view.width));
                }
                terminal.print(&line(&loaded.scenario, terminal.view.verbose))?;
            }
            Err(wrong) => {
                invalid += 1;
                terminal.complain(&wrong.render(terminal.color_stderr, terminal.view.width));
            }
        }
    }
    if invalid == 0 {
        return Ok(Exit::Held);
    }
    let bad = if invalid == 1 { "1 is".to_owned() } else { format!("{invalid} are") };
    Err(Failure::usage(format!("of {} {bad} invalid", plural(files.len() as u64, "scenario"))))
}

fn line(scenario: &Scenario, verbose: bool) -> String {
    let Scenario { name, path, digest, plan, expectations, .. } = scenario;
    if !verbose {
        return format!("ok {name} ({path})\n");
    }
    let providers = plural(plan.engine.providers.len() as u64, "provider");
    let expectations = plural(expectations.len() as u64, "expectation");
    format!("ok {name} ({path}): {}, {providers}, {expectations}, digest {digest}\n", plan.engine.strategy)
}

/// Files as given, and all `*.toml` in folders, in order of their names.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
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
        let found = files(&[folder.path().to_owned(), PathBuf::from("given.txt")]).unwrap();
        assert_eq!(found, [folder.path().join("a/z.toml"), folder.path().join("b.toml"), PathBuf::from("given.txt")]);
    }
}
