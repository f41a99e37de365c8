//! Log lines, and the layer that makes traces of spans. Both are set up once per process.

use super::{audit, spans};
use anyhow::{Context, Result};
use std::io::IsTerminal;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Logs<'a> {
    /// `info`, or a filter such as `palisade=debug,warn`.
    pub filter: &'a str,
    pub format: LogFormat,
    /// Whether each line says where in the source it was written.
    pub source: bool,
}

type AnyLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends log lines to standard error, once per process. A second call keeps the first.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<()> {
    start(vec![lines(&Logs { filter, format, source: false }, std::io::stderr)?])
}

pub(super) fn start(layers: Vec<AnyLayer>) -> Result<()> {
    // A second subscriber in one process (tests) is not worth an error.
    let _ = tracing_subscriber::registry().with(layers).try_init();
    Ok(())
}

/// The layer that writes log lines.
pub fn lines<W>(logs: &Logs<'_>, writer: W) -> Result<AnyLayer>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter(logs.filter)?;
    let lines =
        tracing_subscriber::fmt::layer().with_writer(writer).with_file(logs.source).with_line_number(logs.source);
    Ok(match logs.format {
        // The job's span stands for all spans around a line: steps are for traces.
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
        }
        LogFormat::Text => lines
            .with_ansi(std::io::stderr().is_terminal() && !crate::config::no_colour())
            .compact()
            .without_time()
            .with_filter(filter)
            .boxed(),
    })
}

/// What was asked for; the job's span and audit lines whatever was asked for, and no steps.
fn filter(asked: &str) -> Result<EnvFilter> {
    let mut filter = EnvFilter::try_new(asked).with_context(|| format!("log.level: {asked:?} is not a filter"))?;
    for (target, level) in [(spans::JOB, "info"), (audit::TARGET, "info"), (spans::STEP, "off")] {
        filter = filter.add_directive(format!("{target}={level}").parse().expect("our own directives are well formed"));
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn said(logs: &Logs<'_>, speak: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = lines(logs, move || writer.clone()).expect("a filter");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), speak);
        let bytes = kept.0.lock().expect("nobody panicked").clone();
        String::from_utf8(bytes).expect("text")
    }

    fn speak() {
        let job = tracing::info_span!(target: spans::JOB, "job", repository = "acme/shop");
        let _job = job.enter();
        let step = spans::state_get();
        let _step = step.enter();
        tracing::error!("broken");
        tracing::info!("detail");
        audit::tell(audit::Act::CheckCreated, &audit::Line { actor: Some("evil\n\"x"), ..Default::default() });
    }

    #[test]
    fn lines_of_a_job_carry_its_span_and_audit_lines_come_at_every_level() {
        let json = Logs { filter: "error", format: LogFormat::Json, source: false };
        let lines = said(&json, speak);
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!((&lines[0]["message"], &lines[1]["act"]), (&"broken".into(), &"check-created".into()));
        for line in &lines {
            assert_eq!((&line["span"]["name"], &line["span"]["repository"]), (&"job".into(), &"acme/shop".into()));
        }
        assert_eq!(lines[1]["actor"], "evil\n\"x");
    }

    #[test]
    fn text_lines_are_one_line_each_and_say_their_source_when_asked() {
        let text = Logs { filter: "error", format: LogFormat::Text, source: true };
        let lines = said(&text, speak);
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(lines.contains("telemetry/logs.rs"), "{lines}");
    }

    #[test]
    fn a_filter_that_is_none_names_its_key() {
        let wrong = Logs { filter: "palisade=loud", format: LogFormat::Json, source: false };
        assert!(lines(&wrong, std::io::stderr).err().expect("refused").to_string().starts_with("log.level"));
    }
}
