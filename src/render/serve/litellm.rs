//! LiteLLM's proxy: <https://docs.litellm.ai/docs/proxy/configs>.

use super::{KEY, Served, Serving, quoted};

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
    let (name, upstream) = (quoted(model), quoted(&format!("openai/{model}")));
    let mut text = format!("  - model_name: {name}\n    litellm_params:\n      model: {upstream}\n");
    let mut param = |name: &str, value: String| text += &format!("      {name}: {value}\n");
    param("api_base", served.base_url());
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
