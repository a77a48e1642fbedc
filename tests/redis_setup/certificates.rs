//! Certificates made for one test, and a server that shows them.

use std::fs::{read, write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use mosquito_tests::RedisServer;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SerialNumber};
use tempfile::TempDir;

/// An authority, and the files of the certificates that it gave out.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    files: TempDir,
}

/// A certificate's file, and that of its key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of a test");
        params.serial_number = Some(SerialNumber::from(fastrand::u64(..)));
        let files = tempfile::tempdir().unwrap();
        write(files.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), files }
    }

    /// The file of the authority's own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.files.path().join("ca.pem")
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// A certificate for a host.
    pub(crate) fn certify(&self, host: &str) -> Identity {
        self.certify_as(host, CertificateParams::new([host.to_owned()]).unwrap())
    }

    /// A certificate for a host, that was good once.
    pub(crate) fn certify_for_the_past(&self, host: &str) -> Identity {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.certify_as(&format!("past-{host}"), params)
    }

    fn certify_as(&self, name: &str, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let identity = Identity {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
        };
        write(&identity.certificate, certificate.pem()).unwrap();
        write(&identity.key, key.serialize_pem()).unwrap();
        identity
    }
}

/// A server that speaks TLS at one port, and not at another.
pub(crate) struct TlsServer {
    pub(crate) plain: RedisServer,
    port: u16,
}

impl TlsServer {
    /// Shows a certificate of the authority for 127.0.0.1, and asks for none.
    pub(crate) fn start(authority: &Authority) -> Self {
        Self::start_with(authority, &authority.certify("127.0.0.1"), "no")
    }

    /// Shows a certificate of the authority for 127.0.0.1, and asks for one that is of it.
    pub(crate) fn that_asks_for_a_certificate(authority: &Authority) -> Self {
        Self::start_with(authority, &authority.certify("127.0.0.1"), "yes")
    }

    pub(crate) fn start_with(authority: &Authority, identity: &Identity, asks_clients: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = |path: &Path| path.to_str().expect("a temporary path is text").to_owned();
        let (certificate, key) = (text(&identity.certificate), text(&identity.key));
        let plain = RedisServer::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &text(&authority.file()),
            "--tls-auth-clients",
            asks_clients,
        ]);
        Self { plain, port }
    }

    /// `rediss://`, at the port that speaks it.
    pub(crate) fn url(&self) -> String {
        self.url_as("rediss", "127.0.0.1")
    }

    /// The port that speaks TLS, under another scheme and name.
    pub(crate) fn url_as(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/", self.port)
    }
}

/// Some files behind each other in one.
pub(crate) fn together(files: &[&Path], into: PathBuf) -> PathBuf {
    let bytes: Vec<u8> = files.iter().flat_map(|file| read(file).unwrap()).collect();
    write(&into, bytes).unwrap();
    into
}
