//! One JSON object in one line, for scripts that read stdout.

use serde_json::json;

use super::Serving;

pub(super) fn render(serving: &Serving) -> String {
    let provider = |served: &super::Served| {
        json!({
            "name": served.name, "host": served.address.ip(), "port": served.address.port(),
            "base_url": served.base_url(), "stats_url": format!("{}/stats", served.url()), "models": served.models,
            "shape": served.shape.name(),
        })
    };
    let providers: Vec<_> = serving.providers.iter().map(provider).collect();
    format!("{}\n", json!({"scenario": serving.scenario, "providers": providers}))
}
