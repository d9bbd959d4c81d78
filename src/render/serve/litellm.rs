//! LiteLLM's proxy: <https://docs.litellm.ai/docs/proxy/configs>.

use super::{KEY, Served, Serving, quoted};
use crate::world::shape::Shape;

pub(super) fn render(serving: &Serving) -> String {
    let mut text = "model_list:\n".to_owned();
    let tiers = serving.providers.iter().any(|served| served.priority > 0);
    for served in &serving.providers {
        for model in serving.models(served) {
            text += &entry(served, model, tiers);
        }
    }
    text
}

fn entry(served: &Served, model: &str, tiers: bool) -> String {
    let (kind, base) = match served.shape {
        Shape::Anthropic => ("anthropic", served.url()),
        Shape::Azure | Shape::AzurePtu => ("azure", served.url()),
        _ => ("openai", served.base_url()),
    };
    let (name, upstream) = (quoted(model), quoted(&format!("{kind}/{model}")));
    let mut text = format!("  - model_name: {name}\n    litellm_params:\n      model: {upstream}\n");
    let mut param = |name: &str, value: String| text += &format!("      {name}: {value}\n");
    param("api_base", base);
    if kind == "azure" {
        param("api_version", quoted("2024-10-21"));
    }
    param("api_key", KEY.to_owned());
    for (name, value) in [("weight", served.weight), ("rpm", served.rpm), ("tpm", served.tpm)] {
        if let Some(value) = value {
            // LiteLLM wants whole numbers of limits.
            param(name, if name == "weight" { value } else { value.floor() }.to_string());
        }
    }
    if tiers {
        param("order", (served.priority + 1).to_string());
    }
    text + &format!("    model_info:\n      id: {}\n", quoted(&format!("{}/{model}", served.name)))
}
