//! Spans and audit lines of one test: what is done on its thread, and nothing of the tests beside it. The test's runtime
//! must be one of a single thread.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// A span that closed, or an event, with its fields as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    pub target: String,
    pub fields: BTreeMap<String, String>,
}

impl Seen {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Kept {
    spans: Vec<Seen>,
    events: Vec<Seen>,
}

/// Watches while it lives.
#[derive(Debug)]
pub struct Watched {
    kept: Arc<Mutex<Kept>>,
    _here: tracing::subscriber::DefaultGuard,
}

struct Watching(Arc<Mutex<Kept>>);

impl Watched {
    pub fn begin() -> Self {
        Self::with(Vec::new())
    }

    /// With further layers, such as the one that makes traces.
    pub fn with(layers: Vec<Box<dyn Layer<Registry> + Send + Sync>>) -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        // A list without layers would say that nobody listens.
        let layers = (!layers.is_empty()).then_some(layers);
        let subscriber =
            tracing_subscriber::registry().with(layers).with(Watching(kept.clone())).with(crate::captured::layer());
        Self { kept, _here: tracing::subscriber::set_default(subscriber) }
    }

    /// Spans that have closed.
    pub fn spans(&self) -> Vec<Seen> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).spans.clone()
    }

    /// Attributes by span, over all spans of a name.
    pub fn attributes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut attributes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for span in self.spans() {
            attributes.entry(span.name).or_default().extend(span.fields.into_keys());
        }
        attributes
    }

    /// Lines with this target.
    pub fn lines(&self, target: &str) -> Vec<Seen> {
        let events = self.kept.lock().unwrap_or_else(PoisonError::into_inner).events.clone();
        events.into_iter().filter(|event| event.target == target).collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watching {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        let (name, target) = (metadata.name().to_owned(), metadata.target().to_owned());
        let mut seen = Seen { name, target, ..Seen::default() };
        attributes.record(&mut seen);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(seen);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(seen) = span.extensions_mut().get_mut::<Seen>()
        {
            values.record(seen);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target().to_owned();
        let mut seen = Seen { target, ..Seen::default() };
        event.record(&mut seen);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).events.push(seen);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let seen = context.span(&id).and_then(|span| span.extensions_mut().remove::<Seen>());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spans.extend(seen);
    }
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
