//! The component: hands calls from the policy to the registry. One instance serves one evaluation, so one context does.

use crate::{Context, call_text, context::Level};

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/plugin.wit", "../../wit/opa/opa.wit"],
        world: "palisade:opa/library",
        generate_all,
    });
}

use bindings::{exports::palisade::opa::builtins::Guest, palisade::plugin::logging};

struct Library;

thread_local! {
    static CONTEXT: Context = Context::of_this_moment(log);
}

impl Guest for Library {
    fn call(name: String, arguments: Vec<String>) -> Option<String> {
        CONTEXT.with(|context| call_text(context, &name, &arguments))
    }
}

fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
    };
    logging::log(level, message);
}

#[allow(unsafe_code)] // the generated export names its symbols itself
mod export {
    use super::{Library, bindings};

    bindings::export!(Library with_types_in bindings);
}
