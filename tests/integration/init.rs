//! `lbsim init`, `explain`, `man`: what a newcomer meets first.

use std::fs;

use lbsim::scenario::code::CODES;
use lbsim::scenario::import::litellm;
use lbsim::scenario::{self, Overrides};

use crate::cli::Place;
use crate::scenarios::{lbsim, text};

const CONFIG: &str = r#"
model_list:
  - model_name: gpt-4o
    litellm_params: { model: azure/gpt-4o-eu, api_key: sk-SECRET, rpm: 300, tpm: "100000" }
  - model_name: gpt-4o
    litellm_params: { model: azure/gpt-4o-eu, api_key: os.environ/KEY, rpm: 900, region_name: eu }
  - model_name: claude
    litellm_params: { model: anthropic/claude, order: 2, max_parallel_requests: 10 }
    model_info: { id: "a \"b\"\n[load]", input_cost_per_token: 0.000003, output_cost_per_token: 0.000015 }
router_settings: { routing_strategy: simple-shuffle, num_retries: 2, allowed_fails: 3, cooldown_time: 30, redis_host: x }
"#;

/// Every template is valid without a warning, runs, and keeps its own promises; a file that is there is never replaced
/// unasked.
#[test]
fn templates_pass_their_own_gate() {
    let place = Place::new();
    let help = text(&lbsim(&["init", "--help"]).stdout).to_owned();
    let listed = help.lines().skip_while(|line| *line != "Templates:").skip(1).take_while(|line| line.starts_with("  "));
    let names: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 5 && names.contains(&"starter"), "{help}");
    for name in names {
        let file = format!("{name}.toml");
        assert_eq!(place.run(&["init", "--template", name, &file]).status.code(), Some(0), "{name}");
        let output = place.run(&["check", &file, "--fail-on", "failed,no-data,noisy,warning"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    place.write("mine.toml", "mine");
    let output = place.run(&["init", "mine.toml"]);
    assert_eq!((output.status.code(), fs::read_to_string(place.path("mine.toml")).expect("it stays").as_str()), (Some(2), "mine"));
    assert_eq!(place.run(&["init", "mine.toml", "--force"]).status.code(), Some(0));
    assert!(fs::read_to_string(place.path("mine.toml")).expect("it is there").starts_with("# A scenario of lbsim"));
    assert_eq!(place.run(&["init", "--template", "outge", "x.toml"]).status.code(), Some(2));
}

/// A LiteLLM configuration becomes a valid scenario with its limits, weights, order, prices and retries; keys stay behind, and
/// what has no place is said. A name cannot break out of its quotes.
#[test]
fn a_litellm_configuration_becomes_a_scenario() {
    let imported = litellm::import(CONFIG, "config.yaml").expect("a configuration");
    assert!(!imported.text.contains("SECRET") && !imported.text.contains("environ"), "{}", imported.text);
    let loaded = scenario::parse("l.toml", &imported.text, &Overrides::default());
    let plan = loaded.unwrap_or_else(|found| panic!("{}\n{}", found.render(false, 92), imported.text)).scenario.plan;
    let names: Vec<&str> = plan.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["azure/gpt-4o-eu", "azure/gpt-4o-eu-2", "a \"b\" [load]"]);
    let limits = |at: usize| (plan.providers[at].limits.rpm, plan.providers[at].limits.tpm, plan.providers[at].limits.max_concurrency);
    assert_eq!(
        [limits(0), limits(1), limits(2)],
        [(Some(300.0), Some(100_000.0), None), (Some(900.0), None, None), (None, None, Some(10))]
    );
    assert_eq!((plan.engine.strategy.name(), plan.engine.retry.max_retries), ("weighted-random", 2));
    assert_eq!((plan.engine.providers[2].priority, plan.providers[2].cost.map(|cost| cost.output)), (1, Some(15.0)));
    assert_eq!(plan.engine.outlier_detection.map(|rules| rules.consecutive_errors), Some(4));
    for left in ["`region_name` of azure/gpt-4o-eu", "`router_settings.redis_host`", "latencies", "the load"] {
        assert!(imported.left.iter().any(|line| line.contains(left)) && imported.text.contains(&format!("# - {left}")), "{left}");
    }
}

/// What is no configuration is refused with its place, and nothing is written.
#[test]
fn what_is_no_configuration_is_refused() {
    let place = Place::new();
    for (config, words) in [
        ("a: [1\nb: 2", "line 2"),
        ("a: 1", "no `model_list`"),
        ("model_list: []", "no `model_list`"),
        ("model_list:\n  - model_name: x", "entry 1 of `model_list` has no `litellm_params`"),
        ("model_list:\n  - litellm_params: { model: x }", "entry 1 of `model_list` has no `model_name`"),
    ] {
        place.write("config.yaml", config);
        let output = place.run(&["init", "--from", "config.yaml", "out.toml"]);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(words), "{config}: {}", text(&output.stderr));
        assert!(!place.path("out.toml").exists());
    }
}

/// Every code is explained, a misspelt one guessed; every command has its page.
#[test]
fn codes_are_explained_and_commands_have_pages() {
    for info in CODES {
        let output = lbsim(&["explain", info.code]);
        assert!(output.status.success() && text(&output.stdout).starts_with(&format!("{}\n\n", info.code)));
    }
    let output = lbsim(&["explain", "bad-durtion"]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("did you mean `bad-duration`?"));
    for command in ["run", "check", "compare", "sweep", "init"] {
        let page = lbsim(&["man", command]);
        assert!(page.status.success() && text(&page.stdout).contains(&format!(".TH lbsim-{command} 1")), "{command}");
    }
    assert!(text(&lbsim(&["man"]).stdout).contains(".TH lbsim 1"));
    assert_eq!(lbsim(&["man", "nope"]).status.code(), Some(2));
}
