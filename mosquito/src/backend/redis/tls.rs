//! TLS: which certificates are trusted and shown, and what a failed handshake means.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::redis::{ClientTlsConfig, RedisError, TlsCertificates};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, InvalidMessage, RootCertStore};

use super::connection::Location;
use crate::error::{BoxError, Error, Result, without_password};

/// Whom a `rediss://` connection trusts, and by what it says who it is.
///
/// By default it trusts the authorities that browsers trust, and shows no certificate. The files are in PEM, and are read
/// when the client connects, once: a new certificate needs a new client.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use mosquito::{Mosquito, Tls};
///
/// let tls = Tls::new().ca_file("ca.pem").client_certificate("client.pem", "client.key");
/// let mosquito = Mosquito::builder().tls(tls).connect("rediss://redis.internal:6380/").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "settings do nothing until a client is given them"]
pub struct Tls {
    authorities: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this file, one or more certificates in PEM, and no others.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities = Some(path.into());
        self
    }

    /// Shows the server a certificate, which many ask for: a file with it and whatever leads from it to its authority,
    /// and a file with its key, unencrypted.
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client = Some((certificate.into(), key.into()));
        self
    }

    /// Reads the files, and checks that they are what they are given as. Blocks for as long as that takes.
    pub(super) fn read(&self) -> Result<TlsCertificates> {
        choose_cryptography();
        let root_cert = self.authorities.as_deref().map(read_authorities).transpose()?;
        let client = self.client.as_ref();
        let client_tls = client.map(|(certificate, key)| read_identity(certificate, key)).transpose()?;
        Ok(TlsCertificates { client_tls, root_cert })
    }
}

/// What TLS to a location needs: files of certificates that were read and checked, if there are any.
pub(super) fn certificates(
    location: &Location,
    url: &str,
    tls: Option<&Tls>,
) -> Result<Option<TlsCertificates>> {
    match tls {
        None if location.uses_tls() => Tls::new().read().map(Some),
        None => Ok(None),
        Some(tls) if location.uses_tls() => tls.read().map(Some),
        Some(_) => Err(Error::Url {
            url: without_password(url),
            reason: "TLS settings are for rediss://, and would do nothing here".into(),
        }),
    }
}

/// An application may have several implementations of cryptography in it, and then rustls panics unless one was chosen.
/// Where there is only one, this is what rustls does by itself. One that the application chose stays.
fn choose_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Somebody may choose at this moment, which is as good.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
    }
}

fn read_authorities(path: &Path) -> Result<Vec<u8>> {
    let pem = read(path)?;
    let mut trusted = RootCertStore::empty();
    for certificate in certificates_in(path, &pem)? {
        let added = trusted.add(certificate);
        added.map_err(|why| unusable(path, "a certificate in it cannot be that of an authority", why))?;
    }
    Ok(pem)
}

fn read_identity(certificate: &Path, key: &Path) -> Result<ClientTlsConfig> {
    let (certificate_pem, key_pem) = (read(certificate)?, read(key)?);
    let chain = certificates_in(certificate, &certificate_pem)?;
    let reason = "it holds no private key that can be read; it has to be in PEM, and unencrypted";
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|why| unusable(key, reason, why))?;
    let provider = CryptoProvider::get_default().expect("one was chosen before");
    if let Err(why) = CertifiedKey::from_der(chain, private, provider) {
        let reason = format!("it is not the key of the certificate in `{}`", certificate.display());
        return Err(unusable(key, &reason, why));
    }
    Ok(ClientTlsConfig { client_cert: certificate_pem, client_key: key_pem })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|why| unusable(path, "it cannot be read", why))
}

fn certificates_in(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|why| unusable(path, "it is no proper PEM", why))?;
    if certificates.is_empty() {
        return Err(unusable(path, "it holds no certificate in PEM", "`BEGIN CERTIFICATE` was not found"));
    }
    Ok(certificates)
}

fn unusable(path: &Path, reason: &str, source: impl Into<BoxError>) -> Error {
    Error::File { path: path.into(), reason: reason.into(), source: source.into() }
}

/// Says what may be wrong with a first connection that came to nothing: with and without TLS, both sides wait for the
/// other, or end it without a word.
pub(super) fn hint(error: Error, uses_tls: bool) -> Error {
    let Error::Unavailable { backend, source } = error else { return error };
    let words = match source.downcast_ref::<RedisError>() {
        Some(error) if uses_tls && error.is_timeout() => {
            "there was no answer in TLS; if it speaks none at that port, the URL begins with redis://"
        }
        Some(error) if !uses_tls && error.is_connection_dropped() => {
            "it ended the connection without an answer; if it speaks TLS at that port, the URL begins with rediss://"
        }
        _ => return Error::Unavailable { backend, source },
    };
    Error::Unavailable { backend, source: Hint { words, source }.into() }
}

#[derive(Debug, thiserror::Error)]
#[error("{words}")]
struct Hint {
    words: &'static str,
    source: BoxError,
}

/// What a handshake failed of, if that is why a connection was not made, and no patience helps.
pub(super) fn refusal(error: &RedisError) -> Option<String> {
    use rustls::Error as Tls;
    let reason = match cause(error)? {
        // A bad signature is that of an authority of the same name, made anew.
        Tls::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is of an authority that is not trusted; name that one by `Tls::ca_file`".into()
        }
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host than the URL names".into(),
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".into()
        }
        Tls::InvalidCertificate(_) => "its certificate is not valid".into(),
        Tls::AlertReceived(AlertDescription::CertificateRequired) => {
            "it asks for a client certificate; give one by `Tls::client_certificate`".into()
        }
        Tls::AlertReceived(
            alert @ (AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied),
        ) => {
            format!("it does not take the client certificate, or asks for one that was not given ({alert:?})")
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion) | Tls::PeerIncompatible(_) => {
            "it and this client have no version of TLS in common".into()
        }
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS at that port; redis:// is for those that do not".into()
        }
        _ => return None,
    };
    Some(reason)
}

/// What rustls said, which stands within the error of a stream.
fn cause(error: &RedisError) -> Option<&rustls::Error> {
    let shared = error.source()?.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
    shared.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}
