//! The rendered policies, judged by IAM's rules offline: who may do what, who may not, and by which statement.
//!
//! Everybody here has a policy of their own that allows everything, as an administrator of an account has: what is denied is
//! denied by the policy under test. Emulators evaluate few of these conditions.

mod bucket;
mod calls;
mod delivery;
mod judge;
mod key;
mod local;
