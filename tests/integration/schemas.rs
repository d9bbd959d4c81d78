//! The published schemas: the files are what the program prints, the shipped scenarios and every command's JSON keep to them.

use std::fs;

use jsonschema::Validator;
use serde_json::Value;

use crate::check::failing;
use crate::cli::Place;
use crate::scenarios::{files, lbsim, root, text};

fn validator(flags: &[&str]) -> Validator {
    let output = lbsim(&[&["schema"], flags].concat());
    jsonschema::validator_for(&serde_json::from_slice(&output.stdout).expect("JSON")).expect("a schema")
}

fn keeps(validator: &Validator, json: &Value, what: &str) {
    let errors: Vec<String> = validator.iter_errors(json).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

/// To renew them: `lbsim schema > scenarios/scenario.v1.json` and `lbsim schema --result > scenarios/result.v1.json`.
#[test]
fn the_published_files_are_what_the_program_prints() {
    for (name, flags) in [("scenario", &[][..]), ("result", &["--result"])] {
        let file = fs::read_to_string(root().join(format!("scenarios/{name}.v1.json"))).expect("it is published");
        assert!(file == text(&lbsim(&[&["schema"], flags].concat()).stdout), "{name}.v1.json is not what the program prints");
    }
}

/// Every shipped scenario names the schema in its first line, and keeps to it.
#[test]
fn the_shipped_scenarios_keep_to_their_schema() {
    let validator = validator(&[]);
    for file in files() {
        let text = fs::read_to_string(root().join(format!("scenarios/{file}.toml"))).expect("a scenario");
        assert!(text.starts_with("#:schema ./scenario.v1.json\n"), "{file}");
        let table: toml::Table = text.parse().expect("TOML");
        keeps(&validator, &serde_json::to_value(table).expect("JSON"), &file);
    }
}

/// A bench keeps to the schema that the program prints for it, and a result does not.
#[test]
fn benches_keep_to_their_schema() {
    let (validator, place) = (validator(&["--bench"]), Place::new());
    let quick = ["--providers", "2", "--threads", "1", "--rounds", "1", "--format", "json"];
    let bench: Value = serde_json::from_slice(&place.run(&[&["bench"][..], &quick].concat()).stdout).expect("JSON");
    keeps(&validator, &bench, "bench");
    let result: Value = serde_json::from_slice(&place.run(&["run", "ok.toml", "--format", "json"]).stdout).expect("JSON");
    assert!(!validator.is_valid(&result));
}

/// What the commands write keeps to the schema of results, and something else does not.
#[test]
fn results_keep_to_their_schema() {
    let validator = validator(&["--result"]);
    let place = Place::new();
    place.write("fails.toml", &failing());
    for arguments in [
        &["run", "ok.toml", "-v"][..],
        &["run", "fails.toml", "--stable"],
        &["run", "ok.toml", "--seeds", "3"],
        &["check", "."],
        &["compare", "ok.toml", "--seeds", "3"],
        &["sweep", "ok.toml", "--over", "load.rate=50/s,100/s"],
    ] {
        let output = place.run(&[arguments, &["--format", "json"]].concat());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stderr)));
        keeps(&validator, &json, &format!("{arguments:?}"));
    }
    for wrong in ["{}", "[]", "{\"format\": 1, \"lbsim\": \"0\", \"verdict\": \"pass\"}"] {
        assert!(!validator.is_valid(&serde_json::from_str(wrong).expect("JSON")), "{wrong}");
    }
}
