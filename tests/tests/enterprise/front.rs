//! What stands between a host and its GitHub in companies: TLS by an authority of their own, and a proxy that resolves
//! names which nobody else can.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// An authority that no system knows.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        let pem = params.self_signed(&key).expect("it signs itself").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Speaks TLS for `name` and passes on what it hears.
    pub async fn before(&self, name: &str, target: SocketAddr) -> SocketAddr {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a host's name");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("the key fits the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us goes away, as some tests want it.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(mut behind) = TcpStream::connect(target).await else { return };
                    let _ = copy_bidirectional(&mut stream, &mut behind).await;
                });
            }
        });
        address
    }
}

/// A proxy that knows some names, wants a password, and remembers what it was asked for.
#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    address_by_name: Arc<BTreeMap<String, SocketAddr>>,
}

/// `mona:hunter2`, as browsers write it.
const CREDENTIALS: &str = "Basic bW9uYTpodW50ZXIy";

impl Proxy {
    pub async fn start(address_by_name: BTreeMap<String, SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let proxy = Self { address, asked: Arc::default(), address_by_name: Arc::new(address_by_name) };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.tunnel(stream).await });
            }
        });
        proxy
    }

    /// What it was asked to connect to, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    async fn tunnel(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let target =
            head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
        let trusted = head
            .lines()
            .any(|line| line.to_lowercase() == format!("proxy-authorization: {CREDENTIALS}").to_lowercase());
        self.asked.lock().expect("nobody panics with it").push(target.clone());
        let known = self.address_by_name.get(&target).copied().filter(|_| trusted);
        let answer = match (trusted, known) {
            (false, _) => "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            (true, None) => "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            (true, Some(_)) => "HTTP/1.1 200 OK\r\n\r\n",
        };
        let answered = stream.write_all(answer.as_bytes()).await;
        let (Ok(()), Some(address)) = (answered, known) else { return };
        let Ok(mut behind) = TcpStream::connect(address).await else { return };
        // Either side may go when it likes.
        let _ = copy_bidirectional(&mut stream, &mut behind).await;
    }
}
