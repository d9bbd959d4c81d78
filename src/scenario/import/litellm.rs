//! A LiteLLM proxy or router configuration (`model_list`, `router_settings`, `litellm_settings`) as a scenario.
//!
//! What the keys mean: docs.litellm.ai, "Router - Load Balancing" and "All settings". What a scenario needs and no gateway
//! configuration says (load, latencies) is assumed, and said so. Keys are never copied.

use serde_json::{Map, Value};
use thiserror::Error;

use super::Imported;

/// Why a text is no such configuration.
#[derive(Debug, Error)]
pub enum LitellmError {
    /// Not YAML; the message has line and column.
    #[error("it is no YAML: {0}")]
    Yaml(String),
    /// No list of models.
    #[error("it has no `model_list` with entries of `model_name` and `litellm_params`: is it a LiteLLM configuration?")]
    NoModels,
    /// An entry that is none.
    #[error("entry {0} of `model_list` has no `{1}`")]
    Entry(usize, &'static str),
}

/// How long answers take until somebody measures: seconds, as of a mid-sized hosted model.
const ASSUMED_LATENCY: &str = "latency = { p50 = \"2s\", p99 = \"8s\" }   # assumed: measure yours";

/// Settings that a scenario has a place for.
const ROUTER_KEYS: [&str; 5] = ["routing_strategy", "num_retries", "timeout", "allowed_fails", "cooldown_time"];
const PARAMETER_KEYS: [&str; 11] = [
    "model",
    "api_key",
    "api_base",
    "rpm",
    "tpm",
    "weight",
    "order",
    "max_parallel_requests",
    "input_cost_per_token",
    "output_cost_per_token",
    "api_version",
];

/// The scenario for a configuration; `origin` names it in a comment.
///
/// # Errors
/// [`LitellmError`] for a text that is no such configuration.
pub fn import(text: &str, origin: &str) -> Result<Imported, LitellmError> {
    let root: Value = serde_saphyr::from_str(text).map_err(|error| LitellmError::Yaml(error.to_string()))?;
    let models = root.get("model_list").and_then(Value::as_array).filter(|list| !list.is_empty()).ok_or(LitellmError::NoModels)?;
    let mut left = Vec::new();
    let mut deployments = Vec::new();
    for (position, entry) in models.iter().enumerate() {
        deployments.push(Deployment::read(position, entry, &mut left)?);
    }
    name_apart(&mut deployments);
    let settings = Settings::read(&root, &mut left);
    let text = write(origin, &deployments, &settings, &mut left);
    Ok(Imported { text, left })
}

/// One entry of `model_list`.
struct Deployment {
    name: String,
    group: String,
    weight: Option<f64>,
    /// `rpm`, `tpm`: what simple-shuffle takes for a weight where none is given.
    limits: [Option<f64>; 2],
    order: u64,
    places: Option<u64>,
    cost: Option<(f64, f64)>,
}

impl Deployment {
    fn read(position: usize, entry: &Value, left: &mut Vec<String>) -> Result<Deployment, LitellmError> {
        let group = entry.get("model_name").and_then(Value::as_str).ok_or(LitellmError::Entry(position + 1, "model_name"))?;
        let parameters =
            entry.get("litellm_params").and_then(Value::as_object).ok_or(LitellmError::Entry(position + 1, "litellm_params"))?;
        let model = parameters.get("model").and_then(Value::as_str).ok_or(LitellmError::Entry(position + 1, "litellm_params.model"))?;
        let info = entry.get("model_info").and_then(Value::as_object);
        let number = |key: &str| parameters.get(key).or_else(|| info?.get(key)).and_then(number).filter(|value| *value > 0.0);
        let id = info.and_then(|info| info.get("id")).and_then(Value::as_str);
        for key in parameters.keys().filter(|key| !PARAMETER_KEYS.contains(&key.as_str())) {
            left.push(format!("`{key}` of {model}"));
        }
        let million = |key| number(key).map(|price| price * 1e6);
        Ok(Deployment {
            name: one_line(id.unwrap_or(model)),
            group: one_line(group),
            weight: number("weight"),
            limits: [number("rpm"), number("tpm")],
            order: number("order").map_or(0, |order| (order as u64).saturating_sub(1)),
            places: number("max_parallel_requests").map(|places| places as u64),
            cost: million("input_cost_per_token").zip(million("output_cost_per_token")),
        })
    }
}

/// Names that differ: the model alone names only one of several deployments.
fn name_apart(deployments: &mut [Deployment]) {
    for at in 0..deployments.len() {
        let taken = |name: &str, deployments: &[Deployment]| deployments[..at].iter().any(|earlier| earlier.name == name);
        let name = deployments[at].name.clone();
        let mut number = 1;
        while taken(&deployments[at].name, deployments) {
            number += 1;
            deployments[at].name = format!("{name}-{number}");
        }
    }
}

/// `router_settings`, with `litellm_settings` where those say the same.
struct Settings {
    strategy: &'static str,
    retries: u64,
    timeout_s: Option<f64>,
    allowed_fails: Option<u64>,
    cooldown_s: Option<f64>,
}

impl Settings {
    fn read(root: &Value, left: &mut Vec<String>) -> Settings {
        let none = Map::new();
        let table = |key: &str| root.get(key).and_then(Value::as_object).unwrap_or(&none);
        let (router, general) = (table("router_settings"), table("litellm_settings"));
        for key in router.keys().filter(|key| !ROUTER_KEYS.contains(&key.as_str())) {
            left.push(format!("`router_settings.{key}`{}", remark(key)));
        }
        for key in general.keys().filter(|key| !["num_retries", "request_timeout", "allowed_fails"].contains(&key.as_str())) {
            left.push(format!("`litellm_settings.{key}`{}", remark(key)));
        }
        let find = |key: &str, other: &str| router.get(key).or_else(|| general.get(other)).and_then(number).filter(|value| *value >= 0.0);
        let wanted = router.get("routing_strategy").and_then(Value::as_str).unwrap_or("simple-shuffle");
        let strategy = match wanted {
            "simple-shuffle" => "weighted-random",
            "least-busy" => "least-connections",
            "latency-based-routing" => "lowest-latency",
            "usage-based-routing" | "usage-based-routing-v2" => "rate-limit-aware",
            "cost-based-routing" => "lowest-cost",
            other => {
                left.push(format!("the routing strategy `{}`: weighted-random in its place", one_line(other)));
                "weighted-random"
            }
        };
        Settings {
            strategy,
            retries: find("num_retries", "num_retries").map_or(0, |retries| (retries as u64).min(1_000)),
            timeout_s: find("timeout", "request_timeout").filter(|timeout| *timeout > 0.0),
            allowed_fails: find("allowed_fails", "allowed_fails").map(|fails| fails as u64),
            cooldown_s: find("cooldown_time", "cooldown_time").filter(|cooldown| *cooldown > 0.0),
        }
    }
}

/// Why a setting has no place in a scenario, where that is not plain.
fn remark(key: &str) -> &'static str {
    match key {
        "fallbacks" | "context_window_fallbacks" | "content_policy_fallbacks" => {
            ": a request keeps its model; give providers several `models`"
        }
        "redis_host" | "redis_port" | "redis_password" | "redis_url" | "cache" | "cache_params" => {
            ": `balancer.replicas` says how many gateways do not see each other"
        }
        _ => "",
    }
}

fn write(origin: &str, deployments: &[Deployment], settings: &Settings, left: &mut Vec<String>) -> String {
    let mut groups: Vec<&str> = deployments.iter().map(|deployment| deployment.group.as_str()).collect();
    groups.dedup();
    groups.sort_unstable();
    groups.dedup();
    left.push("latencies and errors of the deployments: 2 s at the median are assumed".to_owned());
    left.push("the load: 5 requests a second of 400 tokens in and 180 out are assumed".to_owned());
    let mut text =
        format!("# Made from {} by `lbsim init --from`. What is assumed says so: put your own figures there.\n", one_line(origin));
    text += "schema = 1\nname = \"from-litellm\"\ndescription = \"The deployments of a LiteLLM configuration under an assumed load.\"\nseed = 1\n";
    text += "\n[load]\nrate = \"5/s\"                               # assumed\nduration = \"10m\"\nwarmup = \"30s\"\n";
    text += "tokens = { input = 400, output = 180 }      # assumed\nmax_tokens = 1000\n";
    if groups.len() > 1 {
        for group in &groups {
            text += &format!("\n[[load.class]]\nname = {0}\nmodel = {0}\n", quoted(group));
        }
    }
    text += &balancer(settings);
    let weights = weights(deployments, settings);
    for (deployment, weight) in deployments.iter().zip(weights) {
        text += &provider(deployment, weight, groups.len() > 1);
    }
    text += "\n[[expect]]\nmetric = \"success_ratio\"\nmin = \"99%\"\n\n[[expect]]\nmetric = \"rate_limited_ratio\"\nmax = \"1%\"\n";
    text += "\n# Not carried over, or assumed:\n";
    left.iter().for_each(|line| text += &format!("# - {line}\n"));
    text
}

fn balancer(settings: &Settings) -> String {
    let mut text = format!("\n[balancer]\nstrategy = {}\n", quoted(settings.strategy));
    if settings.retries > 0 {
        text += &format!("retry = {{ max_retries = {} }}\n", settings.retries);
    }
    if let Some(timeout) = settings.timeout_s {
        text += &format!("timeout = \"{timeout}s\"\n");
    }
    let fails = settings.allowed_fails.map(|fails| format!("consecutive_errors = {}", fails.clamp(0, 1_000) + 1));
    let cooldown = settings
        .cooldown_s
        .map(|cooldown| format!("base_ejection_time = \"{cooldown}s\", max_ejection_time = \"{}s\"", cooldown.max(300.0)));
    let rules: Vec<String> = fails.into_iter().chain(cooldown).collect();
    if !rules.is_empty() {
        text += &format!("outlier_detection = {{ {} }}\n", rules.join(", "));
    }
    text
}

/// As simple-shuffle takes them: given ones, else `rpm`, else `tpm`; none unless all have one.
fn weights(deployments: &[Deployment], settings: &Settings) -> Vec<Option<f64>> {
    let all = |weight: fn(&Deployment) -> Option<f64>| deployments.iter().map(weight).collect::<Option<Vec<f64>>>();
    let shuffled = || all(|one| one.limits[0]).or_else(|| all(|one| one.limits[1])).filter(|_| settings.strategy == "weighted-random");
    match all(|one| one.weight).or_else(shuffled) {
        Some(weights) => weights.into_iter().map(Some).collect(),
        None => vec![None; deployments.len()],
    }
}

fn provider(deployment: &Deployment, weight: Option<f64>, several: bool) -> String {
    let mut text = format!("\n[[provider]]\nname = {}\n", quoted(&deployment.name));
    if several {
        text += &format!("models = [{}]\n", quoted(&deployment.group));
    }
    if let Some(weight) = weight {
        text += &format!("weight = {weight}\n");
    }
    if deployment.order > 0 {
        text += &format!("priority = {}\n", deployment.order);
    }
    text += &format!("{ASSUMED_LATENCY}\n");
    let [rpm, tpm] = deployment.limits;
    let limits = [("rpm", rpm), ("tpm", tpm), ("max_concurrency", deployment.places.map(|places| places as f64))];
    let limits: Vec<String> = limits.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", value?))).collect();
    if !limits.is_empty() {
        text += &format!("limits = {{ {} }}\n", limits.join(", "));
    }
    if let Some((input, output)) = deployment.cost {
        text += &format!("cost = {{ input = {input}, output = {output} }}\n");
    }
    text
}

/// A number, also one in quotes.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|value| value.is_finite())
}

/// For names and comments: no line of its own can begin in it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
