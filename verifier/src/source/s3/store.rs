//! A bucket, and what every request to it needs.

use std::io;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;
use tokio::runtime::{Handle, Runtime};
use tokio::time::timeout_at;

use super::client::client;
use super::clock::StoreClock;
use super::options::{Payer, S3Options};
use super::patience::Patience;
use super::profile;
use super::turns::{MOST_LOOKS, MOST_READS, Turns};
use crate::source::ReadError;

/// A bucket.
#[derive(Debug)]
pub struct S3 {
    pub(super) client: Client,
    pub(super) runtime: Threads,
    pub(super) options: S3Options,
    pub(super) scope: String,
    pub(super) clock: StoreClock,
    /// The profile that signs in with SSO, where the credentials come from one.
    pub(super) sso_profile: Option<String>,
    /// Turns to read an object, and to look at a lock.
    pub(super) turns: Turns,
    pub(super) looks: Turns,
    pub(super) patience: Patience,
    pub(super) purpose: Purpose,
}

/// What a bucket is for: hints differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is verified, and the trust policy names it.
    Verifying,
    /// It keeps what the next verification needs.
    Keeping,
}

impl S3 {
    /// Sets up a client. No request is sent yet.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no threads, or the profile is not defined.
    pub fn open(options: S3Options) -> Result<Self, ReadError> {
        let failed = |error: io::Error| ReadError::new(format!("cannot start threads: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(failed)?;
        let client = runtime.block_on(client(&options))?;
        let sso_profile = runtime.block_on(profile::with_sso(options.profile.as_deref()));
        Ok(Self::of(
            client,
            Threads::Own(runtime),
            options,
            sso_profile,
        ))
    }

    /// A bucket that a client of somebody else reads, on the threads of the runtime that the client belongs to. Must not be used on
    /// one of these threads themselves, since reading blocks.
    pub fn over(client: Client, runtime: Handle, options: S3Options) -> Self {
        Self::of(client, Threads::Shared(runtime), options, None)
    }

    fn of(
        client: Client,
        runtime: Threads,
        options: S3Options,
        sso_profile: Option<String>,
    ) -> Self {
        let trimmed = options.prefix.as_deref().unwrap_or("").trim_matches('/');
        let scope = if trimmed.is_empty() {
            String::new()
        } else {
            format!("{trimmed}/")
        };
        Self {
            client,
            runtime,
            clock: StoreClock::new(options.clock),
            patience: Patience::of_timeout(options.timeout),
            options,
            scope,
            sso_profile,
            turns: Turns::new(MOST_READS),
            looks: Turns::new(MOST_LOOKS),
            purpose: Purpose::Verifying,
        }
    }
}

impl S3 {
    /// Waits for an answer, or until the deadline: a store that is slow, and not silent, would be waited for much longer.
    pub(super) fn in_time<T>(
        &self,
        without: &str,
        answer: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        self.runtime.block_on(async {
            match self.options.deadline {
                None => answer.await,
                Some(deadline) => timeout_at(deadline.into(), answer)
                    .await
                    .unwrap_or_else(|_| Err(ReadError::new(format!("{without} in time")))),
            }
        })
    }

    /// Who pays, where it has to be said.
    pub(super) fn payer(&self) -> Option<RequestPayer> {
        (self.options.payer == Payer::Requester).then_some(RequestPayer::Requester)
    }

    /// The same bucket for something else.
    pub(super) fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }
}

/// The threads that requests are sent on.
#[derive(Debug)]
pub(super) enum Threads {
    Own(Runtime),
    Shared(Handle),
}

impl Threads {
    /// Waits for an answer.
    pub(super) fn block_on<F: Future>(&self, answer: F) -> F::Output {
        match self {
            Self::Own(runtime) => runtime.block_on(answer),
            Self::Shared(runtime) => runtime.block_on(answer),
        }
    }
}
