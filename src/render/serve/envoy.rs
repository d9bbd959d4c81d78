//! Envoy: `config.cluster.v3.Cluster`, <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto>.

use super::{Served, Serving, whole_weight};

pub(super) fn render(serving: &Serving) -> String {
    let mut text = "clusters:\n- name: lbsim\n  type: STATIC\n  connect_timeout: 1s\n  lb_policy: ROUND_ROBIN\n  load_assignment:\n\
                    \x20   cluster_name: lbsim\n    endpoints:\n"
        .to_owned();
    let mut tiers: Vec<u32> = serving.providers.iter().map(|served| served.priority).collect();
    tiers.sort_unstable();
    tiers.dedup();
    // Envoy's priorities have no gaps.
    for (priority, tier) in tiers.into_iter().enumerate() {
        text += &format!("    - priority: {priority}\n      lb_endpoints:\n");
        for served in serving.providers.iter().filter(|served| served.priority == tier) {
            text += &endpoint(serving, served);
        }
    }
    text
}

fn endpoint(serving: &Serving, served: &Served) -> String {
    let (ip, port, name) = (served.address.ip(), served.address.port(), served.comment());
    let mut text = format!(
        "      - endpoint:  # {name}\n          address:\n            socket_address: {{ address: \"{ip}\", port_value: {port} }}\n"
    );
    if let Some(weight) = whole_weight(serving, served) {
        text += &format!("        load_balancing_weight: {weight}\n");
    }
    text
}
