//! From what wasmtime says to what people are told: a closed set of kinds, found by type, each with the limit's name
//! and the key that changes it. Texts are compared only where wasmtime keeps the type to itself.

use super::limits::{Limits, show_duration, show_size};
use crate::model::{Broken, BrokenKind, PluginName};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// A limit by its name under `plugins.<name>.limits`, or a fixed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitName {
    Wall,
    HostCall,
    HostCalls,
    Memory,
    TableElements,
    HostcallBytes,
    Resources,
    Handles,
    RandomBytes,
    WasmStack,
    EvidenceDocuments,
}

impl LimitName {
    /// Its key in the configuration. `wasm_stack` and `evidence_documents` are fixed for all plugins.
    pub fn key(self) -> &'static str {
        match self {
            LimitName::Wall => "wall",
            LimitName::HostCall => "host_call",
            LimitName::HostCalls => "host_calls",
            LimitName::Memory => "memory",
            LimitName::TableElements => "table_elements",
            LimitName::HostcallBytes => "hostcall_bytes",
            LimitName::Resources => "resources",
            LimitName::Handles => "handles",
            LimitName::RandomBytes => "random_bytes",
            LimitName::WasmStack => "wasm_stack",
            LimitName::EvidenceDocuments => "evidence_documents",
        }
    }

    fn kind(self) -> BrokenKind {
        match self {
            LimitName::Wall | LimitName::HostCall | LimitName::HostCalls => BrokenKind::Timeout,
            LimitName::WasmStack => BrokenKind::Stack,
            // The evidence is that large, not the plugin: nothing that a breaker should count.
            LimitName::EvidenceDocuments => BrokenKind::Unsupported,
            _ => BrokenKind::Memory,
        }
    }

    /// What the plugin did, after its name.
    fn deed(self, limits: &Limits) -> String {
        match self {
            LimitName::Wall => format!("ran longer than {}", show_duration(limits.wall)),
            LimitName::HostCall => format!("waited longer than {} in one host call", show_duration(limits.host_call)),
            LimitName::HostCalls => format!("waited longer than {} in host calls", show_duration(limits.host_calls)),
            LimitName::Memory => format!("wanted more than {} of memory", show_size(limits.memory)),
            LimitName::TableElements => format!("wanted more than {} table elements", limits.table_elements),
            LimitName::HostcallBytes => {
                format!("handed over more than {} at once", show_size(limits.hostcall_bytes))
            }
            LimitName::Resources => format!("held more than {} host resources", limits.resources),
            LimitName::Handles => format!("held more than {} handles", limits.handles),
            LimitName::RandomBytes => {
                format!("asked for more than {} of random bytes", show_size(limits.random_bytes))
            }
            LimitName::WasmStack => {
                format!("used up its stack of {}", show_size(super::limits::WASM_STACK as u64))
            }
            LimitName::EvidenceDocuments => {
                let most = show_size(super::limits::EVIDENCE_DOCUMENTS);
                format!("asked for the evidence as JSON, and that is larger than {most}")
            }
        }
    }

    /// The whole answer.
    pub fn broken(self, plugin: &PluginName, limits: &Limits) -> Broken {
        let broken = Broken::new(self.kind(), format!("`{plugin}` {}", self.deed(limits))).limit(self.key());
        match self {
            LimitName::WasmStack => broken.hint("recurse less deeply in the plugin: this limit is the same for all"),
            LimitName::EvidenceDocuments => {
                broken.hint("upload less evidence for one commit, or use a policy that reads it without documents")
            }
            LimitName::Wall => {
                broken.hint(format!("raise `plugins.{plugin}.limits.wall`, or read less of the artifact"))
            }
            _ => broken.hint(format!("raise `plugins.{plugin}.limits.{}`", self.key())),
        }
    }
}

/// A host function ends the call because a limit was reached.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("limit `{}` reached", .0.key())]
pub struct LimitReached(pub LimitName);

/// A host function could not do its work, and that is our fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HostFailure(pub String);

/// What a call that did not return came to. `refused` is what the limiter of its store refused last.
pub fn classify(error: &wasmtime::Error, refused: Option<LimitName>) -> Ended {
    if let Some(LimitReached(limit)) = error.downcast_ref() {
        return Ended::Limit(*limit);
    }
    if let Some(HostFailure(message)) = error.downcast_ref() {
        return Ended::Other(BrokenKind::Host, message.clone());
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Ended::Limit(LimitName::Resources);
    }
    if let Some(limit) = refused {
        return Ended::Limit(limit);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return of_trap(*trap);
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return Ended::Other(BrokenKind::Host, "no free slot in the instance pool".to_owned());
    }
    of_text(error)
}

/// How a call ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Limit(LimitName),
    Other(BrokenKind, String),
}

fn of_trap(trap: Trap) -> Ended {
    match trap {
        Trap::Interrupt | Trap::OutOfFuel => Ended::Limit(LimitName::Wall),
        Trap::StackOverflow => Ended::Limit(LimitName::WasmStack),
        Trap::AllocationTooLarge => Ended::Limit(LimitName::Memory),
        Trap::CannotEnterComponent
        | Trap::CannotLeaveComponent
        | Trap::InvalidChar
        | Trap::InvalidDiscriminant
        | Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::UnalignedPointer => Ended::Other(BrokenKind::Abi, said(trap)),
        _ => Ended::Other(BrokenKind::Trap, said(trap)),
    }
}

fn said(trap: Trap) -> String {
    let said = trap.to_string();
    said.strip_prefix("wasm trap: ").unwrap_or(&said).to_owned()
}

/// Errors whose types wasmtime and wasmtime-wasi keep to themselves. Tests reach each of them, so that an upgrade
/// that rewords one fails loudly.
fn of_text(error: &wasmtime::Error) -> Ended {
    let text = format!("{error:#}");
    let said = |part: &str| text.contains(part);
    if said("fuel allocated for hostcalls has been exhausted") {
        return Ended::Limit(LimitName::HostcallBytes);
    }
    if said("store handle limit exceeded") {
        return Ended::Limit(LimitName::Handles);
    }
    if said("requested len") && said("exceeds limit") {
        return Ended::Limit(LimitName::RandomBytes);
    }
    if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() {
        return Ended::Other(BrokenKind::Trap, "called exit".to_owned());
    }
    Ended::Other(BrokenKind::Abi, error.root_cause().to_string())
}
