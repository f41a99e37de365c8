//! Listens for as long as it takes somebody to register the App in a browser, and no longer.

use crate::api::registration::{Form, RETURN_PATH, router};
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// An address that is listened on, before the form is made that names it.
#[derive(Debug)]
pub struct Registrar {
    listener: TcpListener,
    address: SocketAddr,
}

impl Registrar {
    pub async fn listen(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address} (--serve)"))?;
        let address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            bail!(
                "--serve {address}: GitHub must be told an address that your browser reaches; name one, or use --print"
            );
        }
        Ok(Self { listener, address })
    }

    /// The page's address.
    pub fn page(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where GitHub sends the browser.
    pub fn return_url(&self) -> String {
        format!("http://{}{RETURN_PATH}", self.address)
    }

    /// Waits for the code; the browser gets its answer before this returns.
    pub async fn code(self, form: Form, patience: Duration) -> Result<String> {
        let (sender, mut codes) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(self.listener, router(form, self.address, sender)).with_graceful_shutdown(async {
            // Either way it is over.
            let _ = stopped.await;
        });
        let server = tokio::spawn(async move { serving.await });
        let code = tokio::time::timeout(patience, codes.recv()).await;
        let _ = stop.send(());
        // A browser that keeps its connection open is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), server).await;
        match code {
            Ok(Some(code)) => Ok(code),
            _ => bail!("nobody registered the App within {} s; begin again, or use --print", patience.as_secs()),
        }
    }
}
