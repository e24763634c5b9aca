//! In what this engine differs from S3, and that neither sealer nor verifier is misled by it.

use super::World;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectLockRetentionMode::Governance;

#[tokio::test(flavor = "multi_thread")]
async fn the_condition_of_a_create_is_ignored() {
    let world = World::new("condition", Governance).await;
    for _ in 0..2 {
        let put = world.s3.put_object().bucket(&world.bucket).key("stranger");
        let put = put.if_none_match("*").body(ByteStream::from_static(b"x"));
        // S3 answers the second one with 412.
        put.send().await.unwrap();
    }
}
