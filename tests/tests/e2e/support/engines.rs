//! One test, each engine: what holds for all of them is fitted to none.

/// Makes each of these functions of an engine two tests, such as `ministack::imported_bucket_needs_no_change` and
/// `moto::imported_bucket_needs_no_change`; one that is left out is never used, which the compiler says.
/// Those after `; ministack:` need what moto does not have.
macro_rules! on_each_engine {
    (
        $($test:ident $(.$await:ident)?),* $(,)?
        $(; ministack: $($one:ident $(.$its_await:ident)?),* $(,)?)?
    ) => {
        mod ministack {
            $($(
                #[tokio::test]
                async fn $one() {
                    super::$one(auditlog_tests::Engine::Ministack) $(.$its_await)?;
                }
            )*)?
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(auditlog_tests::Engine::Ministack) $(.$await)?;
                }
            )*
        }
        mod moto {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(auditlog_tests::Engine::Moto) $(.$await)?;
                }
            )*
        }
    };
}
pub(crate) use on_each_engine;
