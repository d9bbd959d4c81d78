//! nginx: <https://nginx.org/en/docs/http/ngx_http_upstream_module.html>.

use super::{Serving, whole_weight};

pub(super) fn render(serving: &Serving) -> String {
    let mut text = "upstream lbsim {\n".to_owned();
    let first = serving.providers.iter().map(|served| served.priority).min().unwrap_or(0);
    for served in &serving.providers {
        let weight = whole_weight(serving, served).map(|weight| format!(" weight={weight}")).unwrap_or_default();
        let backup = if served.priority > first { " backup" } else { "" };
        text += &format!("    server {}{weight}{backup};  # {}\n", served.address, served.comment());
    }
    text + "    keepalive 64;\n}\n\
            server {\n    listen 127.0.0.1:8080;\n    location / {\n        proxy_pass http://lbsim;\n        proxy_http_version 1.1;\n\
            \x20       proxy_set_header Connection \"\";\n        proxy_buffering off;\n    }\n}\n"
}
