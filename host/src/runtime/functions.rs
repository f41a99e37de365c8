//! Compiled functions, kept while plugins are being loaded: every OPA policy carries the same builtins, and what was
//! compiled for one need not be compiled for the next. In memory only, so that nobody else can put code in.

use super::limits;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// By what the function is compiled from, its settings included.
#[derive(Debug, Default)]
pub struct Functions(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_source: HashMap<Vec<u8>, Vec<u8>>,
    bytes: u64,
}

impl Functions {
    /// When all plugins are loaded there is nothing left to share.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }
}

impl wasmtime::CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_source.get(key).map(|compiled| Cow::Owned(compiled.clone()))
    }

    /// Full means that later functions are compiled each time.
    fn insert(&self, key: &[u8], compiled: Vec<u8>) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = kept.bytes + (key.len() + compiled.len()) as u64;
        if bytes > limits::COMPILED_FUNCTIONS {
            return false;
        }
        kept.bytes = bytes;
        kept.by_source.insert(key.to_vec(), compiled);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::CacheStore;

    #[test]
    fn what_was_kept_is_found_until_it_is_forgotten() {
        let functions = Functions::default();
        assert!(functions.insert(b"source", vec![1, 2]));
        assert_eq!(functions.get(b"source").as_deref(), Some(&[1, 2][..]));
        functions.forget();
        assert_eq!(functions.get(b"source"), None);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let functions = Functions::default();
        let most = usize::try_from(limits::COMPILED_FUNCTIONS).unwrap();
        assert!(!functions.insert(b"source", vec![0; most]));
        assert_eq!(functions.get(b"source"), None);
    }
}
