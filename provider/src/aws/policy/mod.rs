//! Policy documents of buckets and keys, rendered and compared.

mod compare;
mod render;

pub use compare::policies_agree;
pub use render::format_tls_only_policy;
