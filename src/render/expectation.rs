//! One judged expectation in words, the same in every format that people read.

use console::measure_text_width;

use super::number::{millis, nanos, or_absent, plain, plural, ratio_fine};
use super::text::Tone;
use crate::gate::{Metric, Unit};
use crate::report::{ExpectationResult, Report, Run, Verdict};

pub(super) fn mark(verdict: Verdict) -> (&'static str, &'static str, Tone) {
    match verdict {
        Verdict::Pass => ("✓", "ok", Tone::Good),
        Verdict::Fail => ("✗", "FAIL", Tone::Bad),
        Verdict::NoData => ("?", "no data", Tone::Unsure),
        Verdict::Noisy => ("?", "noisy", Tone::Unsure),
        Verdict::Incomplete | Verdict::None => ("?", "not judged", Tone::Unsure),
    }
}

/// Of whom and when: `alpha during down`.
pub(super) fn subject(expectation: &ExpectationResult) -> String {
    let whom = match (&expectation.provider, &expectation.class) {
        (Some(provider), Some(class)) => format!("{provider}, class {class}"),
        (Some(provider), None) => provider.clone(),
        (None, Some(class)) => format!("class {class}"),
        (None, None) => "the run".to_owned(),
    };
    match &expectation.during {
        Some(during) => format!("{whom} during {during}"),
        None => whom,
    }
}

/// The measured value in the unit of its metric.
pub(super) fn got(expectation: &ExpectationResult) -> String {
    or_absent(expectation.got, |got| value(&expectation.metric, got))
}

/// A value in the unit of its metric.
pub(super) fn value(metric: &str, value: f64) -> String {
    match Metric::parse(metric).map(|metric| (metric, metric.unit())) {
        // A probability over many orders of magnitude is no percentage.
        Some((Metric::Chi2P, _)) => plain(value),
        Some((_, Unit::Nanos)) => nanos(value),
        Some((_, Unit::Millis)) => millis(value),
        Some((_, Unit::Ratio)) => ratio_fine(value),
        Some((_, Unit::Number)) | None => plain(value),
    }
}

/// `success_ratio of the run: want ≥ 99.9%, got 99.58 % (0.32 pp too low, 12,000 samples)`.
pub(super) fn sentence(expectation: &ExpectationResult) -> String {
    let mut notes = Vec::new();
    if let (Some(distance), Some(metric)) = (expectation.distance, Metric::parse(&expectation.metric)) {
        notes.push(metric.unit().distance_text(distance));
    }
    if expectation.got.is_some() {
        notes.push(plural(expectation.samples, "sample"));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{} of {}: want {}, got {}{notes}", expectation.metric, subject(expectation), expectation.want, got(expectation))
}

/// The command that makes this run again.
pub(super) fn reproduce(report: &Report, run: &Run) -> ShellCommand {
    let mut words = vec!["lbsim".to_owned(), "run".to_owned(), report.scenario.path.clone()];
    words.extend(report.scenario.arguments.iter().cloned());
    let several = report.runs.iter().any(|other| other.strategy != run.strategy);
    if several && !report.scenario.arguments.iter().any(|argument| argument == "--strategy") {
        words.extend(["--strategy".to_owned(), run.strategy.clone()]);
    }
    words.extend(["--seed".to_owned(), run.seed.to_string()]);
    if let Some(target) = run.target() {
        words.extend(["--target".to_owned(), target.url.clone(), "--port".to_owned(), target.port.to_string()]);
        words.extend(target.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]));
    }
    if let Some(scale) = run.real.as_ref().map(|real| real.time_scale).filter(|scale| *scale != 1.0) {
        words.extend(["--time-scale".to_owned(), scale.to_string()]);
    }
    ShellCommand { words: words.iter().map(|word| quoted(word)).collect() }
}

/// A command line to copy.
pub(super) struct ShellCommand {
    /// Quoted.
    words: Vec<String>,
}

impl ShellCommand {
    /// In one line.
    pub(super) fn line(&self) -> String {
        self.words.join(" ")
    }

    /// In lines of at most `width` columns where its words allow that, continued as a shell wants it.
    pub(super) fn lines(&self, first: &str, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = first.to_owned();
        for (position, word) in self.words.iter().enumerate() {
            let last = position + 1 == self.words.len();
            let room = width.saturating_sub(if last { 0 } else { 2 });
            if position > 0 && measure_text_width(&line) + 1 + measure_text_width(word) > room {
                lines.push(format!("{line} \\"));
                line = " ".repeat(measure_text_width(first) + 2) + word;
            } else {
                line = if position == 0 { format!("{line}{word}") } else { format!("{line} {word}") };
            }
        }
        lines.push(line);
        lines
    }
}

/// As a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long command is continued on further lines, which a shell reads as one.
    #[test]
    fn commands_are_broken_between_words() {
        let command = ShellCommand { words: ["lbsim", "run", "scenarios/weighted.toml", "--seed", "42"].map(str::to_owned).to_vec() };
        assert_eq!(command.lines("again: ", 80), ["again: lbsim run scenarios/weighted.toml --seed 42"]);
        assert_eq!(command.lines("> ", 30), ["> lbsim run \\", "    scenarios/weighted.toml \\", "    --seed 42"]);
    }

    /// What a shell would change is quoted, a quote inside too.
    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, shell) in [
            ("scenarios/weighted.toml", "scenarios/weighted.toml"),
            ("load.rate=200/s", "load.rate=200/s"),
            ("my file.toml", "'my file.toml'"),
            ("share(alpha)>=50%", "'share(alpha)>=50%'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), shell);
        }
    }
}
