//! The inputs of the service. Their ports are taken before anything is written.

use std::cell::RefCell;
use std::sync::Arc;

use auditlog_sealer::error::Error;
use auditlog_sealer::service::Router;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::arguments::Now;
use super::config::Config;
use super::input::{Around, FailedInput, Guards, Serving};

/// Inputs that are bound.
pub(super) struct Listeners {
    bound: Vec<Serving>,
    /// Who may send to each of them.
    pub(super) guards: Guards,
}

impl Listeners {
    /// Binds all of them. It must be called inside the runtime.
    pub(super) fn bind(config: &Config, router: &Arc<Router>, now: Now) -> Result<Self, Error> {
        let spools = config.logs.iter().map(|log| log.spool().to_owned());
        let around = Around {
            config: config.path().to_owned(),
            router: Arc::clone(router),
            scratch: spools.collect(),
            file_inputs: config.file_inputs(),
            own: config.own(),
            guards: RefCell::default(),
            now,
        };
        let mut bound = Vec::new();
        for (_, inputs) in config.kinds() {
            for input in inputs {
                bound.extend(input.bind(&around)?);
            }
        }
        let guards = around.guards.into_inner();
        Ok(Self { bound, guards })
    }

    /// Serves until `ending` is true.
    pub(super) fn serve(
        self,
        ending: &watch::Receiver<bool>,
    ) -> JoinSet<Result<(), Box<FailedInput>>> {
        let mut serving = JoinSet::new();
        for each in self.bound {
            serving.spawn(each.until(ending.clone()));
        }
        serving
    }
}
