//! `lbsim sweep` and `lbsim run --seeds` from outside: points, limits, shards, mistakes.

use serde_json::Value;

use crate::cli::{Place, scenario};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Two providers that take 50 requests a second each, as buckets of a tenth of a second: 100/s is the most they can serve.
fn place() -> Place {
    let place = Place::new();
    let limits = "limits = { rpm = 3000, burst = 5 }";
    let world = scenario("min = 1").replace("requests = 600", "requests = 1200").replace("weight = 2\n", "").replace("weight = 1\n", "");
    place.write(
        "limited.toml",
        &world.replace("weighted-round-robin", "round-robin").replace("latency = \"40ms\"", &format!("latency = \"40ms\"\n{limits}")),
    );
    place
}

/// Every point is the run that `--set` makes, in the order of the grid: the last parameter changes fastest.
#[test]
fn a_point_is_what_set_makes() {
    let place = Place::new();
    let arguments = ["sweep", "ok.toml", "--over", "load.rate=50/s,80/s", "--over", "provider.alpha.weight=1..3/2"];
    let output = place.run(&[&arguments[..], &["--seeds", "2", "--format", "json", "--stable"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let points = [("50/s", "1"), ("50/s", "3"), ("80/s", "1"), ("80/s", "3")];
    assert_eq!(result["reports"].as_array().unwrap().len(), points.len());
    for (index, (rate, weight)) in points.into_iter().enumerate() {
        let report = &result["reports"][index];
        assert_eq!(result["sweep"]["rows"][index]["point"], serde_json::json!([rate, weight]));
        for (position, seed) in ["7", "8"].into_iter().enumerate() {
            let (rate, weight) = (format!("load.rate={rate}"), format!("provider.alpha.weight={weight}"));
            let set = ["--set", &rate, "--set", &weight, "--seed", seed];
            let alone = place.run(&[&["run", "ok.toml", "--format", "json", "--stable"], &set[..]].concat());
            let alone: Value = serde_json::from_slice(&alone.stdout).unwrap();
            assert_eq!(report["runs"][position], alone["runs"][0], "{rate} {weight} {seed}");
            if seed == "7" {
                assert_eq!(report["scenario"]["digest"], alone["scenario"]["digest"]);
            }
        }
    }
}

/// The limit is where the quota ends: 100/s, found to 1 %. Ends that do not bracket it are said, and a limit needs something
/// to hold.
#[test]
fn the_limit_is_found() {
    let place = place();
    let limit = |over: &str| {
        let output = place.run(&["sweep", "limited.toml", "--over", over, "--seeds", "1", "--find-limit", "--format", "json", "--stable"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        result["sweep"]["limits"][0].clone()
    };
    let rate = |value: &Value| value.as_str().unwrap().strip_suffix("/s").unwrap().parse::<f64>().unwrap();
    let found = limit("load.rate=20/s,300/s");
    let (holds, fails) = (rate(&found["holds"]), rate(&found["fails"]));
    // 1,200 requests at r/s last 1200/r seconds, in which 100/s + 2 bursts of 5 are admitted: up to 100.8/s nothing is refused.
    assert!(holds <= 101.0 && fails >= 100.0 && fails - holds <= 0.01 * fails, "{found}");
    assert!(found["probes"].as_u64().unwrap() >= 5);
    assert_eq!(limit("load.rate=20/s,40/s")["fails"], Value::Null);
    assert_eq!(limit("load.rate=200/s,400/s")["holds"], Value::Null);
    let human = text(&place.run(&["sweep", "limited.toml", "--over", "load.rate=200/s,400/s", "--seeds", "1"]).stdout);
    assert!(human.contains("no value holds, not even load.rate=200/s"), "{human}");
    place.write("silent.toml", scenario("min = 1").split("[[expect]]").next().unwrap());
    let nothing = place.run(&["sweep", "silent.toml", "--over", "load.rate=20/s,40/s", "--find-limit"]);
    assert!(nothing.status.code() == Some(2) && text(&nothing.stderr).contains("needs something to hold"));
}

/// Same bytes for any number of threads and shards, in every format.
#[test]
fn threads_and_shards_do_not_change_a_byte() {
    let place = place();
    let common = ["--over", "load.rate=60/s..140/s/40/s", "--strategies", "random,round-robin", "--seeds", "2", "--stable"];
    let sweep = |extra: &[&str]| place.run(&[&["sweep", "limited.toml"], &common[..], extra].concat());
    for format in ["json", "human", "markdown", "csv"] {
        let whole = sweep(&["--format", format, "-j", "1"]);
        assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stderr));
        assert_eq!(text(&whole.stdout), text(&sweep(&["--format", format, "-j", "3"]).stdout));
        for shards in [1, 2, 5, 14] {
            let files: Vec<String> = (1..=shards).map(|index| format!("{index}-of-{shards}.json")).collect();
            for (position, file) in files.iter().enumerate().filter(|_| format == "json") {
                let part = format!("{}/{shards}", position + 1);
                assert_eq!(sweep(&["--shard", &part, "-o", file]).status.code(), Some(0));
            }
            let arguments: Vec<&str> = ["merge", "--format", format].into_iter().chain(files.iter().map(String::as_str)).collect();
            let merged = place.run(&arguments);
            assert_eq!(text(&merged.stdout), text(&whole.stdout), "{shards} shards, {format}: {}", text(&merged.stderr));
        }
    }
}

/// A scheduler's variables choose the shard.
#[test]
fn schedulers_choose_the_shard() {
    let place = place();
    let common = ["sweep", "limited.toml", "--over", "load.rate=60/s,80/s", "--seeds", "1", "--stable", "--format", "json"];
    let by_hand = place.run(&[&common[..], &["--shard", "2/2"]].concat());
    let auto = [&common[..], &["--shard", "auto/2"]].concat();
    let slurm = place.lbsim(&auto).env("SLURM_ARRAY_TASK_ID", "8").env("SLURM_ARRAY_TASK_MIN", "7").output().unwrap();
    let kubernetes = place.lbsim(&auto).env("JOB_COMPLETION_INDEX", "1").output().unwrap();
    assert_eq!(by_hand.status.code(), Some(0));
    assert_eq!(text(&slurm.stdout), text(&by_hand.stdout));
    assert_eq!(text(&kubernetes.stdout), text(&by_hand.stdout));
}

/// Each mistake is a usage error that says what would be right, before anything is run or written.
#[test]
fn mistakes_are_explained() {
    let place = place();
    for (arguments, message) in [
        (&["--over", "load.rate"][..], "expected KEY=VALUES"),
        (&["--over", "load.rate=20/s..40/s"], "has no step"),
        (&["--over", "load.rat=20/s,40/s"], "did you mean `rate`?"),
        (&["--over", "load.rate=20/s,fast"], "fast"),
        (&["--over", "load.rate=20/s", "--over", "load.rate=30/s"], "given twice"),
        (&["--over", "load.rate=1..200/1", "--over", "provider.alpha.weight=1..200/1"], "more than 10000 points"),
        (&["--over", "seed=1,2"], "see --seeds"),
        (&["--over", "load.rate=20/s", "--seeds", "2000000"], "are too many"),
        (&["--over", "load.rate=20/s", "--plot", "p99"], "--plot p99: there are"),
        (&["--over", "load.rate=20/s", "--strategies", "rundom"], "did you mean `random`?"),
        (&["--over", "load.rate=20/s", "--over", "provider.alpha.weight=1,2", "--find-limit"], "give one --over"),
        (&["--over", "load.rate=20/s", "--shard", "1/2", "--find-limit"], "cannot be combined with --shard"),
        (&["--over", "load.rate=20/s", "--shard", "3/2"], "shard 3 of 2 does not exist"),
    ] {
        let output = place.run(&[&["sweep", "limited.toml", "-o", "never.json"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
        assert!(!place.path("never.json").exists());
    }
}

/// Table and plot fit the width; a report of the result prints the same again.
#[test]
fn it_fits_and_is_shown_again() {
    let place = place();
    let sweep =
        ["sweep", "limited.toml", "--over", "load.rate=60/s..140/s/20/s", "--strategies", "round-robin,least-connections", "--seeds", "2"];
    place.run(&[&sweep[..], &["--stable", "-o", "sweep.json"]].concat());
    for width in ["40", "80", "92"] {
        let output = place.run(&[&sweep[..], &["--stable", "--width", width]].concat());
        let page = text(&output.stdout);
        assert!(page.lines().all(|line| line.chars().count() <= width.parse().unwrap()), "{width}:\n{page}");
        assert!(page.contains('●') && page.contains('○') && !page.contains('\u{1b}'), "{page}");
        assert_eq!(page, text(&place.run(&["report", "sweep.json", "--width", width]).stdout));
    }
}

/// `run --seeds`: all runs are in the JSON, each that of its seed; the text gives means with intervals; a log of one run's
/// decisions makes no sense of several.
#[test]
fn several_seeds_of_one_scenario() {
    let place = Place::new();
    place.write(
        "random.toml",
        &scenario("min = 0.99").replace("\"constant\"", "\"poisson\"").replace("\"40ms\"", "{ exponential = \"40ms\" }"),
    );
    let output = place.run(&["run", "random.toml", "--seeds", "4", "--format", "json", "--stable"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut sum = 0.0;
    for (index, seed) in ["7", "8", "9", "10"].into_iter().enumerate() {
        let alone: Value =
            serde_json::from_slice(&place.run(&["run", "random.toml", "--seed", seed, "--format", "json", "--stable"]).stdout).unwrap();
        assert_eq!(result["runs"][index], alone["runs"][0]);
        sum += alone["runs"][0]["latency_ms"]["p50"].as_f64().unwrap();
    }
    let figures = result["replicated"].as_array().unwrap();
    let p50 = figures.iter().find(|figure| figure["metric"] == "latency_p50").unwrap();
    let (mean, low, high) = (p50["mean"].as_f64().unwrap(), p50["low"].as_f64().unwrap(), p50["high"].as_f64().unwrap());
    assert!((mean - sum / 4.0).abs() < 1e-9 && low < mean && mean < high);
    let human = text(&place.run(&["run", "random.toml", "--seeds", "4", "--stable", "--width", "80"]).stdout);
    assert!(
        human.contains("4 seeds (7 to 10)") && human.contains("to (95 %)") && human.lines().all(|line| line.chars().count() <= 80),
        "{human}"
    );
    assert_eq!(place.run(&["run", "random.toml", "--seeds", "2", "--decisions", "log.ndjson"]).status.code(), Some(2));
    assert_eq!(place.run(&["run", "random.toml", "--seeds", "3", "--expect", "success_ratio<=1%"]).status.code(), Some(1));
}
