//! Much at once, and much in one piece.

use std::fmt::Write as _;
use std::fs;

use crate::terraform::Terraform;

#[test]
fn two_hundred_resources_ten_at_a_time() {
    let terraform = Terraform::new(
        r#"
        resource "fs_file" "many" {
          count   = 200
          path    = "${count.index}.txt"
          content = "file ${count.index}"
          tags    = ["${count.index}", "b"]
        }
        "#,
    );
    let apply = terraform.succeeds(&["apply", "-auto-approve", "-parallelism=10"]);
    assert!(apply.contains("200 added"), "{apply}");
    for at in [0, 57, 199] {
        let content = fs::read_to_string(terraform.data(&format!("{at}.txt"))).unwrap();
        assert_eq!(content, format!("file {at}"));
    }
    terraform.is_settled();
    terraform.succeeds(&["destroy", "-auto-approve", "-parallelism=10"]);
    assert_eq!(fs::read_dir(terraform.data("")).unwrap().count(), 0);
}

#[test]
fn an_attribute_of_twenty_mebibytes_passes_both_ways() {
    let terraform = Terraform::new(
        r#"
        resource "fs_file" "big" {
          path    = "big.txt"
          content = file("big.in")
        }
        "#,
    );
    let text = "0123456789abcdef".repeat(20 << 16);
    terraform.write("big.in", &text);
    terraform.apply();
    assert!(fs::read_to_string(terraform.data("big.txt")).unwrap() == text);
    terraform.is_settled();
}

#[test]
fn several_providers_start_at_once() {
    let mut configuration = String::new();
    for at in 0..8 {
        write!(
            configuration,
            r#"
            provider "fs" {{
              alias = "p{at}"
              root  = "data"
            }}
            resource "fs_file" "f{at}" {{
              provider = fs.p{at}
              path     = "{at}.txt"
            }}
            "#
        )
        .unwrap();
    }
    let terraform = Terraform::new(&configuration);
    let apply = terraform.apply();
    assert!(apply.contains("8 added"), "{apply}");
    assert_eq!(fs::read_dir(terraform.data("")).unwrap().count(), 8);
}
