//! The sealer in Kubernetes and in a container: what `terraform/sealer` renders is valid, and the pod finds in its volume what `sealer.toml` names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use auditlog_tests::{Command, Engine, Terraform, command, engines, python, root};
use serde_json::Value;

/// A pipeline with each kind of listener, and the files of its sealer. It calls nothing.
const CONFIGURATION: &str = r#"
data "auditlog_pipeline" "payments" {
  trust_policy = file("policy.json")
  url          = "https://auditlog-sealer.audit.svc:9880"
  listen       = "0.0.0.0:9880"
  tls = {
    certificate = "/etc/auditlog/tls/sealer.pem"
    key         = "/etc/auditlog/tls/sealer.key"
    client_ca   = "/etc/auditlog/senders.pem"
  }
  senders = {
    api = { program = "vector", paths = ["/var/log/api.log"] }
    hoop = { program = "hoop" }
    web  = { program = "fluent-bit", paths = ["/var/log/web.log"] }
    db = {
      program     = "rsyslog"
      paths       = ["/var/log/db.log"]
      ca_file     = "/etc/auditlog/ca.pem"
      certificate = "/etc/auditlog/db.pem"
      key         = "/etc/auditlog/db.key"
    }
  }
}

module "container" {
  source    = "./terraform/sealer"
  pipeline  = data.auditlog_pipeline.payments
  container = { image = "images.acme.example/auditlog-sealer:1.0.0" }
}

output "files" { value = module.container.files }
"#;

/// The first block of the module's README: the sealer in Kubernetes.
fn first_use() -> String {
    let readme = root().join("terraform/sealer/README.md");
    let readme = fs::read_to_string(readme).expect("a README");
    let (_, rest) = readme.split_once("```hcl\n").expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

fn policy(folder: &Path) {
    let key = folder.join("key.pem");
    let keygen = command("auditlog-seal").args(["keygen", "--out"]);
    keygen.arg(&key).run().ok();
    let policy = command("auditlog-seal").args(["policy", "--origin", "acme.example/payments"]);
    let policy = policy.arg("--key-file").arg(&key).run().ok();
    fs::write(folder.join("policy.json"), policy.stdout).expect("a policy");
}

/// A certificate that is its own authority, and its key.
fn certificate(folder: &Path) -> (String, String) {
    let request =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=sealer";
    let openssl = Command::new("openssl").args(request.split(' '));
    let openssl = openssl.args(["-keyout", "tls.key", "-out", "tls.crt"]);
    openssl.current_dir(folder).run().ok();
    let read = |name| fs::read_to_string(folder.join(name)).expect("PEM");
    (read("tls.crt"), read("tls.key"))
}

fn documents(text: &str) -> Vec<Value> {
    let print = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let python = Command::new(engines()).args(["-c", print]).input(text);
    let documents = python.run().ok().json();
    documents.as_array().expect("a list").clone()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// A projected volume as the kubelet lays it out: links into a folder that it exchanges as a whole.
fn mount(folder: &Path, volume: &Value, config_map: &Value, secret: impl Fn(&str) -> String) {
    let data = folder.join("..data");
    let put = |name: &str, content: &str| {
        let path = data.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
        let first = name.split('/').next().expect("a name");
        if !folder.join(first).exists() {
            symlink(Path::new("..data").join(first), folder.join(first)).expect("a link");
        }
    };
    for source in list(&volume["projected"]["sources"]) {
        if source["configMap"].is_object() {
            assert_eq!(source["configMap"]["name"], config_map["metadata"]["name"]);
            for (name, content) in config_map["data"].as_object().expect("files") {
                put(name, text(content));
            }
        } else {
            for item in list(&source["secret"]["items"]) {
                put(text(&item["path"]), &secret(text(&item["key"])));
            }
        }
    }
}

#[test]
fn rendered_sealer_is_valid_and_finds_its_files_in_the_pod() {
    let endpoint = Engine::Ministack.start();
    let main_tf = CONFIGURATION.to_owned() + &first_use();
    let terraform = Terraform::with_config(&endpoint.env(), &main_tf);
    let work = terraform.path();
    policy(&work);
    let copy = Command::new("cp").arg("-R").arg(root().join("terraform"));
    copy.arg(&work).run().ok();
    terraform.init();
    terraform.apply().ok();
    let files = terraform.output("files");
    let kubernetes = terraform.output("kubernetes");
    let kubernetes = text(&kubernetes);

    fs::write(work.join("kubernetes.yaml"), kubernetes).expect("a file");
    let validate = Command::new(engines().with_file_name("kubernetes-validate"));
    validate
        .arg("--strict")
        .arg(work.join("kubernetes.yaml"))
        .run()
        .ok();
    fs::write(work.join("compose.yaml"), text(&files["compose.yaml"])).expect("a file");
    let validate = Command::new(python().with_file_name("check-jsonschema"));
    let validate = validate.args(["--builtin-schema", "vendor.compose-spec"]);
    validate.arg(work.join("compose.yaml")).run().ok();

    let objects = documents(kubernetes);
    let of_kind = |kind: &str| {
        objects
            .iter()
            .find(|object| object["kind"] == kind)
            .expect("an object")
    };
    let set = of_kind("StatefulSet");
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];

    // The ports are those of the file.
    let toml = text(&files["sealer.toml"]);
    let ports = list(&container["ports"]);
    assert_eq!(ports.len(), toml.matches("\nlisten = ").count());
    for port in ports {
        let listen = format!("\nlisten = \"0.0.0.0:{}\"\n", port["containerPort"]);
        assert!(toml.contains(&listen), "{listen}");
    }

    // Everything that sealer.toml names is there.
    let (certificate, key) = certificate(&work);
    let volume = work.join("volume");
    fs::create_dir_all(&volume).expect("a folder");
    mount(
        &volume,
        &pod["volumes"][0],
        of_kind("ConfigMap"),
        |name| match name {
            "tls.crt" | "ca.crt" => certificate.clone(),
            "tls.key" => key.clone(),
            "hoop" => format!("whsec_{}", "AB/+".repeat(8)),
            source => format!("a long secret of {source}\n"),
        },
    );
    let mounts = list(&container["volumeMounts"]);
    assert_eq!(mounts[0]["mountPath"], "/etc/auditlog");
    assert_eq!(mounts[1]["mountPath"], "/var/lib/auditlog");
    let args: Vec<&str> = list(&container["args"]).iter().map(text).collect();
    assert_eq!(args, ["run", "--config", "/etc/auditlog/sealer.toml"]);
    let here = toml
        .replace("/etc/auditlog", &volume.to_string_lossy())
        .replace("/var/lib/auditlog", &work.join("spool").to_string_lossy())
        .replace(
            "ack = ",
            &format!(
                "key_file = {:?}\nto = {:?}\nack = ",
                work.join("key.pem"),
                work.join("log")
            ),
        );
    let config = volume.join("..data/sealer.toml");
    fs::write(&config, here).expect("a file");
    let check = |config: &Path| {
        let check = command("auditlog-seal").args(["check-config", "--config"]);
        check.arg(config).run()
    };
    check(&config).ok();
    fs::remove_file(volume.join("..data/tokens/web")).expect("a file");
    assert_ne!(check(&config).status, 0);
}
