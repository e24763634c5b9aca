//! What a caller can do.

use std::collections::BTreeSet;

use crate::proto::tfplugin6 as pb;

/// Something that not every caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// It takes it that an operation is [put off](crate::Context::defer). Terraform does only with an experimental option.
    Deferral,
    /// It has write-only attributes: Terraform 1.11.
    WriteOnly,
    /// It keeps identities and sends them: Terraform 1.12, `OpenTofu` 1.12.
    Identity,
    /// It gives [private data of a plan](crate::Context::planned_private) to the next plan: Terraform 1.16.
    PlannedPrivate,
    /// It has [computed blocks](crate::Block::computed): Terraform 1.16.
    ComputedBlocks,
}

/// What the caller of a provider can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client(BTreeSet<Capability>);

impl Client {
    /// The newest Terraform, as people run it: everything except deferrals.
    pub fn newest() -> Self {
        Self(
            [
                Capability::WriteOnly,
                Capability::Identity,
                Capability::PlannedPrivate,
                Capability::ComputedBlocks,
            ]
            .into(),
        )
    }

    /// A caller that can do none of it, as Terraform 1.10 and earlier.
    pub fn oldest() -> Self {
        Self(BTreeSet::new())
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.0.insert(capability);
        self
    }

    /// The same with one less.
    #[must_use]
    pub fn without(mut self, capability: Capability) -> Self {
        self.0.remove(&capability);
        self
    }

    pub(super) fn can(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    pub(super) fn capabilities(&self) -> pb::ClientCapabilities {
        pb::ClientCapabilities {
            deferral_allowed: self.can(Capability::Deferral),
            write_only_attributes_allowed: self.can(Capability::WriteOnly),
            store_planned_private: self.can(Capability::PlannedPrivate),
            computed_blocks_allowed: self.can(Capability::ComputedBlocks),
        }
    }
}
