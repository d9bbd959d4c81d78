//! Running mock providers, and ready-made configuration for what is to use them: one file a form, a row each in [`FORMS`].

mod env;
mod envoy;
mod json;
mod litellm;
mod nginx;
mod table;

use std::net::SocketAddr;

use crate::world::shape::Shape;

/// The API key that is told: any will do.
pub const KEY: &str = "lbsim";
/// The model that is told where a provider serves any.
pub const MODEL: &str = "lbsim";

/// Mock providers that listen.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Name of the scenario.
    pub scenario: String,
    /// In file order, at least one.
    pub providers: Vec<Served>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Served {
    /// Of the scenario.
    pub name: String,
    /// Where it can be reached.
    pub address: SocketAddr,
    /// The models that it lists; empty: any.
    pub models: Vec<String>,
    /// If the scenario gives weights.
    pub weight: Option<f64>,
    /// Tier; the lowest number is used first.
    pub priority: u32,
    /// Whose wire format it speaks.
    pub shape: Shape,
    /// Requests a minute that the balancer is told of.
    pub rpm: Option<f64>,
    /// Tokens a minute.
    pub tpm: Option<f64>,
}

impl Served {
    /// Without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What clients of OpenAI call the base URL.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// Its name for a comment: in one line.
    fn comment(&self) -> String {
        self.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

impl Serving {
    /// The models of a provider; where it serves any, those of the others, or the one that stands for any.
    fn models<'a>(&'a self, served: &'a Served) -> Vec<&'a str> {
        let mut models: Vec<&str> = served.models.iter().map(String::as_str).collect();
        if models.is_empty() {
            models = self.providers.iter().flat_map(|other| &other.models).map(String::as_str).collect();
            models.sort_unstable();
            models.dedup();
        }
        if models.is_empty() { vec![MODEL] } else { models }
    }
}

/// A way to write it down.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// For `--print`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// Writes it, with a newline at the end; the width matters to the table alone.
    pub render: fn(&Serving, usize) -> String,
}

/// Every form, in the order in which they are listed.
pub const FORMS: [Form; 6] = [
    Form { name: "table", summary: "for people", render: table::render },
    Form { name: "litellm", summary: "LiteLLM: model_list of its proxy, in YAML", render: |serving, _| litellm::render(serving) },
    Form { name: "nginx", summary: "nginx: an upstream and a server", render: |serving, _| nginx::render(serving) },
    Form { name: "envoy", summary: "Envoy: a static cluster, in YAML", render: |serving, _| envoy::render(serving) },
    Form { name: "env", summary: "environment variables, NAME=value", render: |serving, _| env::render(serving) },
    Form { name: "json", summary: "scripts: one JSON object", render: |serving, _| json::render(serving) },
];

impl Form {
    /// By its name.
    pub fn parse(name: &str) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.name == name)
    }
}

/// A weight as a whole number, at least 1, as most gateways want them: scaled up where the lightest is below 1.
fn whole_weight(serving: &Serving, served: &Served) -> Option<u64> {
    let lightest = serving.providers.iter().filter_map(|one| one.weight).fold(1.0, f64::min);
    let scale = if lightest < 1.0 { 1.0 / lightest } else { 1.0 };
    served.weight.map(|weight| ((weight * scale).round() as u64).max(1))
}

/// A string of YAML: what JSON writes is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
