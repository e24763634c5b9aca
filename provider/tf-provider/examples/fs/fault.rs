//! The resource `fs_fault`: what a bug in a provider looks like to its users.

use tf_provider::{Attribute, Context, Plan, Resource, Result, Schema, Type, model};

use crate::root::Root;

pub(crate) struct Fault;

model! {
    #[derive(Clone)]
    pub(crate) struct Model {
        at: String,
    }
}

impl Resource for Fault {
    const NAME: &'static str = "fs_fault";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("Panics in the operation that it is told.")
            .attribute(
                "at",
                Attribute::required(Type::String)
                    .one_of(["plan", "create", "read", "update", "delete", "never"]),
            )
    }

    async fn plan(&self, _: &Context<Root>, plan: &mut Plan) -> Result {
        let planned: Model = plan.planned.decode()?;
        planned.reach("plan");
        Ok(())
    }

    async fn create(&self, _: &Context<Root>, planned: Model) -> Result<Model> {
        planned.reach("create");
        Ok(planned)
    }

    async fn read(&self, _: &Context<Root>, state: Model) -> Result<Option<Model>> {
        state.reach("read");
        Ok(Some(state))
    }

    async fn update(&self, _: &Context<Root>, _: Model, planned: Model) -> Result<Model> {
        planned.reach("update");
        Ok(planned)
    }

    async fn delete(&self, _: &Context<Root>, state: Model) -> Result {
        state.reach("delete");
        Ok(())
    }
}

impl Model {
    fn reach(&self, operation: &str) {
        assert!(self.at != operation, "told to fail at {operation}");
    }
}
