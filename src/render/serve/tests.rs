use super::*;

fn sample() -> Serving {
    let provider = |name: &str, port: u16, weight, priority| Served {
        name: name.to_owned(),
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        models: Vec::new(),
        weight: Some(weight),
        priority,
        shape: Shape::OpenAi,
        rpm: None,
        tpm: None,
    };
    let mut providers = vec![provider("alpha", 9000, 5.0, 0), provider("be\nta", 9001, 0.5, 0), provider("spare: {x}", 9002, 1.0, 2)];
    providers[1].models = vec!["gpt-4o".to_owned(), "a \"b\"".to_owned()];
    providers[2].shape = Shape::Anthropic;
    providers[1].shape = Shape::Azure;
    providers[1].rpm = Some(600.5);
    Serving { scenario: "sample".to_owned(), providers }
}

fn rendered(name: &str) -> String {
    (Form::parse(name).expect("a form").render)(&sample(), 80)
}

#[test]
fn the_table_names_every_provider_and_its_address() {
    insta::assert_snapshot!(rendered("table"), @r#"
    provider    base URL                  like       models
    ──────────────────────────────────────────────────────────────
    alpha       http://127.0.0.1:9000/v1  openai     any
    be ta       http://127.0.0.1:9001/v1  azure      gpt-4o, a "b"
    spare: {x}  http://127.0.0.1:9002/v1  anthropic  any
    "#);
}

#[test]
fn litellm_gets_an_entry_for_each_model_of_each_provider() {
    insta::assert_snapshot!(rendered("litellm"), @r#"
    model_list:
      - model_name: "a \"b\""
        litellm_params:
          model: "openai/a \"b\""
          api_base: http://127.0.0.1:9000/v1
          api_key: lbsim
          weight: 5
          order: 1
        model_info:
          id: "alpha/a \"b\""
      - model_name: "gpt-4o"
        litellm_params:
          model: "openai/gpt-4o"
          api_base: http://127.0.0.1:9000/v1
          api_key: lbsim
          weight: 5
          order: 1
        model_info:
          id: "alpha/gpt-4o"
      - model_name: "gpt-4o"
        litellm_params:
          model: "azure/gpt-4o"
          api_base: http://127.0.0.1:9001
          api_version: "2024-10-21"
          api_key: lbsim
          weight: 0.5
          rpm: 600
          order: 1
        model_info:
          id: "be\nta/gpt-4o"
      - model_name: "a \"b\""
        litellm_params:
          model: "azure/a \"b\""
          api_base: http://127.0.0.1:9001
          api_version: "2024-10-21"
          api_key: lbsim
          weight: 0.5
          rpm: 600
          order: 1
        model_info:
          id: "be\nta/a \"b\""
      - model_name: "a \"b\""
        litellm_params:
          model: "anthropic/a \"b\""
          api_base: http://127.0.0.1:9002
          api_key: lbsim
          weight: 1
          order: 3
        model_info:
          id: "spare: {x}/a \"b\""
      - model_name: "gpt-4o"
        litellm_params:
          model: "anthropic/gpt-4o"
          api_base: http://127.0.0.1:9002
          api_key: lbsim
          weight: 1
          order: 3
        model_info:
          id: "spare: {x}/gpt-4o"
    "#);
}

#[test]
fn nginx_gets_whole_weights_and_backups() {
    insta::assert_snapshot!(rendered("nginx"), @r#"
    upstream lbsim {
        server 127.0.0.1:9000 weight=10;  # alpha
        server 127.0.0.1:9001 weight=1;  # be ta
        server 127.0.0.1:9002 weight=2 backup;  # spare: {x}
        keepalive 64;
    }
    server {
        listen 127.0.0.1:8080;
        location / {
            proxy_pass http://lbsim;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }
    }
    "#);
}

#[test]
fn envoy_gets_tiers_without_gaps() {
    insta::assert_snapshot!(rendered("envoy"), @r#"
    clusters:
    - name: lbsim
      type: STATIC
      connect_timeout: 1s
      lb_policy: ROUND_ROBIN
      load_assignment:
        cluster_name: lbsim
        endpoints:
        - priority: 0
          lb_endpoints:
          - endpoint:  # alpha
              address:
                socket_address: { address: "127.0.0.1", port_value: 9000 }
            load_balancing_weight: 10
          - endpoint:  # be ta
              address:
                socket_address: { address: "127.0.0.1", port_value: 9001 }
            load_balancing_weight: 1
        - priority: 1
          lb_endpoints:
          - endpoint:  # spare: {x}
              address:
                socket_address: { address: "127.0.0.1", port_value: 9002 }
            load_balancing_weight: 2
    "#);
}

#[test]
fn the_environment_names_the_first_and_each() {
    insta::assert_snapshot!(rendered("env"), @r#"
    OPENAI_BASE_URL=http://127.0.0.1:9000/v1
    OPENAI_API_KEY=lbsim
    ANTHROPIC_BASE_URL=http://127.0.0.1:9002
    ANTHROPIC_API_KEY=lbsim
    AZURE_OPENAI_ENDPOINT=http://127.0.0.1:9001
    AZURE_OPENAI_API_KEY=lbsim
    LBSIM_ALPHA_URL=http://127.0.0.1:9000/v1
    LBSIM_BE_TA_URL=http://127.0.0.1:9001/v1
    LBSIM_SPARE___X__URL=http://127.0.0.1:9002/v1
    "#);
}

#[test]
fn scripts_get_one_line() {
    insta::assert_snapshot!(rendered("json"), @r#"{"providers":[{"base_url":"http://127.0.0.1:9000/v1","host":"127.0.0.1","models":[],"name":"alpha","port":9000,"shape":"openai","stats_url":"http://127.0.0.1:9000/stats"},{"base_url":"http://127.0.0.1:9001/v1","host":"127.0.0.1","models":["gpt-4o","a \"b\""],"name":"be\nta","port":9001,"shape":"azure","stats_url":"http://127.0.0.1:9001/stats"},{"base_url":"http://127.0.0.1:9002/v1","host":"127.0.0.1","models":[],"name":"spare: {x}","port":9002,"shape":"anthropic","stats_url":"http://127.0.0.1:9002/stats"}],"scenario":"sample"}"#);
}
