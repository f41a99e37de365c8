//! Code generated from `wit/plugin.wit`. Nothing here is written by hand, and no author names this module.
//!
//! One world with every import, so that there is one type of each name, and one world per exported interface:
//! both worlds of the contract export `plugin`, and two generated macros of one name would collide. The linker
//! merges what a plugin uses and drops the imports that nobody calls, so a normalizer comes out as a normalizer.

pub use imports::palisade::plugin as contract;

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package palisade:sdk; world imports {
            import palisade:plugin/types@0.1.0;
            import palisade:plugin/artifacts@0.1.0;
            import palisade:plugin/documents@0.1.0;
            import palisade:plugin/reports@0.1.0;
            import palisade:plugin/evidence@0.1.0;
            import palisade:plugin/verdicts@0.1.0;
            import palisade:plugin/logging@0.1.0;
        }",
        world: "palisade:sdk/imports",
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        generate_unused_types: true,
        generate_all,
    });
}

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
pub mod plugin {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package palisade:sdk; world plugin { export palisade:plugin/plugin@0.1.0; }",
        world: "palisade:sdk/plugin",
        pub_export_macro: true,
        export_macro_name: "__export_plugin",
        default_bindings_module: "palisade_plugin::__private::plugin",
        with: { "palisade:plugin/types@0.1.0": super::imports::palisade::plugin::types },
    });
}

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
pub mod normalize {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package palisade:sdk; world normalize { export palisade:plugin/normalize@0.1.0; }",
        world: "palisade:sdk/normalize",
        pub_export_macro: true,
        export_macro_name: "__export_normalize",
        default_bindings_module: "palisade_plugin::__private::normalize",
        with: {
            "palisade:plugin/types@0.1.0": super::imports::palisade::plugin::types,
            "palisade:plugin/artifacts@0.1.0": super::imports::palisade::plugin::artifacts,
            "palisade:plugin/documents@0.1.0": super::imports::palisade::plugin::documents,
            "palisade:plugin/reports@0.1.0": super::imports::palisade::plugin::reports,
        },
    });
}

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
pub mod evaluate {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package palisade:sdk; world evaluate { export palisade:plugin/evaluate@0.1.0; }",
        world: "palisade:sdk/evaluate",
        pub_export_macro: true,
        export_macro_name: "__export_evaluate",
        default_bindings_module: "palisade_plugin::__private::evaluate",
        with: {
            "palisade:plugin/types@0.1.0": super::imports::palisade::plugin::types,
            "palisade:plugin/documents@0.1.0": super::imports::palisade::plugin::documents,
            "palisade:plugin/reports@0.1.0": super::imports::palisade::plugin::reports,
            "palisade:plugin/evidence@0.1.0": super::imports::palisade::plugin::evidence,
            "palisade:plugin/verdicts@0.1.0": super::imports::palisade::plugin::verdicts,
        },
    });
}
