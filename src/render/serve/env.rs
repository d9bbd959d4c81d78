//! Environment variables that the SDKs read, and one more for each provider.

use super::{KEY, Serving};
use crate::world::shape::Shape;

pub(super) fn render(serving: &Serving) -> String {
    let mut text = String::new();
    if let Some(first) = serving.providers.first() {
        text += &format!("OPENAI_BASE_URL={}\nOPENAI_API_KEY={KEY}\n", first.base_url());
    }
    let of = |shapes: &[Shape]| serving.providers.iter().find(|served| shapes.contains(&served.shape));
    if let Some(anthropic) = of(&[Shape::Anthropic]) {
        text += &format!("ANTHROPIC_BASE_URL={}\nANTHROPIC_API_KEY={KEY}\n", anthropic.url());
    }
    if let Some(azure) = of(&[Shape::Azure, Shape::AzurePtu]) {
        text += &format!("AZURE_OPENAI_ENDPOINT={}\nAZURE_OPENAI_API_KEY={KEY}\n", azure.url());
    }
    for served in &serving.providers {
        let name: String = served.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        text += &format!("LBSIM_{name}_URL={}\n", served.base_url());
    }
    text
}
