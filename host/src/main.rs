//! The program `palisade`: everything is in the library.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    palisade::cli::run().await
}
