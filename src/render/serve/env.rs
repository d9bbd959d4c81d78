//! Environment variables that the SDKs read, and one more for each provider.

use super::{KEY, Serving};

pub(super) fn render(serving: &Serving) -> String {
    let mut text = String::new();
    if let Some(first) = serving.providers.first() {
        text += &format!("OPENAI_BASE_URL={}\nOPENAI_API_KEY={KEY}\n", first.base_url());
    }
    for served in &serving.providers {
        let name: String = served.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        text += &format!("LBSIM_{name}_URL={}\n", served.base_url());
    }
    text
}
