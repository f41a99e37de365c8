//! The program under test: what `host/src/main.rs` is, so that tests of the command line find it built.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    palisade::cli::run().await
}
