//! `--shard i/n`: which part of an experiment this machine makes.

use std::str::FromStr;

use super::exit::Failure;
use crate::report::Shard;

/// As given: with a number, or to be taken from the job scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1; `None`: `auto`.
    index: Option<u64>,
    of: u64,
}

/// For `--help`.
pub const HELP: &str = "Make only part I of N, for `lbsim merge`; I from 1, or auto:\n\
                        SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1, or\n\
                        JOB_COMPLETION_INDEX + 1";

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        let (index, of) = text.split_once('/').ok_or("expected I/N, for example 1/4 or auto/4")?;
        let of: u64 =
            of.parse().ok().filter(|of| *of > 0).ok_or_else(|| format!("`{of}` is no number of shards: a whole number from 1"))?;
        if index == "auto" {
            return Ok(Part { index: None, of });
        }
        match index.parse::<u64>() {
            Ok(index) if (1..=of).contains(&index) => Ok(Part { index: Some(index), of }),
            Ok(index) => Err(format!("shard {index} of {of} does not exist: they are 1 to {of}")),
            Err(_) => Err(format!("`{index}` is no shard: a whole number from 1 to {of}, or auto")),
        }
    }
}

impl Part {
    /// The shard of an experiment of so many runs; `auto` asks `variable` for the environment.
    ///
    /// # Errors
    /// `auto` without a scheduler, or with a number that is none of its shards.
    pub fn of(self, runs: usize, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, Failure> {
        let index = match self.index {
            Some(index) => index,
            None => auto(self.of, variable)?,
        };
        Ok(Shard { index, of: self.of, runs: runs as u64 })
    }
}

fn auto(of: u64, variable: impl Fn(&str) -> Option<String>) -> Result<u64, Failure> {
    let number = |name: &str| -> Result<Option<u64>, Failure> {
        let Some(text) = variable(name) else { return Ok(None) };
        let parsed = text.trim().parse().map(Some);
        parsed.map_err(|_| Failure::usage(format!("--shard auto/{of}: {name} is `{text}`, which is no whole number")))
    };
    let (name, index) = if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
        let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(1);
        let index = id.checked_sub(first).map(|position| position.saturating_add(1));
        let wrong = || Failure::usage(format!("--shard auto/{of}: SLURM_ARRAY_TASK_ID is {id}, below SLURM_ARRAY_TASK_MIN, {first}"));
        ("SLURM_ARRAY_TASK_ID", index.ok_or_else(wrong)?)
    } else if let Some(position) = number("JOB_COMPLETION_INDEX")? {
        ("JOB_COMPLETION_INDEX", position.saturating_add(1))
    } else {
        let message = "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: run it as a Slurm array or a Kubernetes \
                       indexed job, or give a number";
        return Err(Failure::usage(format!("--shard auto/{of}: {message}")));
    };
    if index > of {
        return Err(Failure::usage(format!("--shard auto/{of}: by {name} this is shard {index}; they are 1 to {of}")));
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(part: &str, environment: &[(&str, &str)]) -> Result<u64, String> {
        let part: Part = part.parse()?;
        let variable = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        part.of(12, variable).map(|shard| shard.index).map_err(|failure| failure.message)
    }

    /// Numbers from 1 to n; Slurm counts from its own first task, Kubernetes from 0; Slurm's first task is 1 unless it says so.
    #[test]
    fn the_shard_is_given_or_asked_of_the_scheduler() {
        assert_eq!(index("3/7", &[]), Ok(3));
        assert_eq!(index("auto/7", &[("SLURM_ARRAY_TASK_ID", "5"), ("SLURM_ARRAY_TASK_MIN", "3")]), Ok(3));
        assert_eq!(index("auto/7", &[("SLURM_ARRAY_TASK_ID", "7")]), Ok(7));
        assert_eq!(index("auto/7", &[("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_MIN", "0")]), Ok(1));
        assert_eq!(index("auto/7", &[("JOB_COMPLETION_INDEX", "6")]), Ok(7));
    }

    /// What is wrong is said with what would be right.
    #[test]
    fn a_wrong_shard_is_explained() {
        for (part, environment, part_of_message) in [
            ("3", &[][..], "expected I/N"),
            ("0/4", &[], "shard 0 of 4 does not exist: they are 1 to 4"),
            ("5/4", &[], "shard 5 of 4 does not exist"),
            ("1/0", &[], "`0` is no number of shards"),
            ("x/4", &[], "`x` is no shard: a whole number from 1 to 4, or auto"),
            ("auto/4", &[], "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"),
            ("auto/4", &[("JOB_COMPLETION_INDEX", "4")], "by JOB_COMPLETION_INDEX this is shard 5; they are 1 to 4"),
            ("auto/4", &[("JOB_COMPLETION_INDEX", "a")], "JOB_COMPLETION_INDEX is `a`, which is no whole number"),
            ("auto/4", &[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_MIN", "2")], "below SLURM_ARRAY_TASK_MIN, 2"),
        ] {
            let message = index(part, environment).unwrap_err();
            assert!(message.contains(part_of_message), "{part}: {message}");
        }
    }
}
