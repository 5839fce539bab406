//! Temporary passwords, derived and sealed before anything is done: so an unusable recipient fails early, and a resend
//! after a crash is the same value.

use super::{context::Context, pass::PassError, work::Prepared};
use crate::{
    api::account::{Claim, Derivation},
    clock,
    domain::{password, request::Request},
    seal,
};

/// A password for this request: a new one, or the one of its claim again. The inner error is for the requester.
///
/// # Errors
/// The API server could not be asked for the day key.
pub async fn prepare(
    context: &Context,
    request: &Request,
    (length, alphabet): (u32, &str),
    recipients: Vec<String>,
    again: Option<&Claim>,
) -> Result<Result<Prepared, String>, PassError> {
    if let Err(error) = seal::parse_recipients(&recipients) {
        return Ok(Err(error.to_string()));
    }
    let (derivation, key, nonce, attempt) = match again {
        Some(claim) => {
            let Some(derivation) = claim.derivation.clone() else {
                return Ok(Err("the claim names no derivation".into()));
            };
            let Some(key) = context.keys.get(&derivation.key.name).await? else {
                return Ok(Err("the day key is gone".into()));
            };
            (derivation, key, claim.nonce.clone(), claim.attempt)
        }
        None => {
            let (reference, key) = context.keys.current(clock::now()).await?;
            let derivation = Derivation {
                version: password::VERSION,
                key: reference,
                length,
                alphabet: alphabet.to_owned(),
                recipients,
            };
            (derivation, key, nonce(), 1)
        }
    };
    let from = password::Derivation {
        uid: &request.uid,
        attempt,
        nonce: &nonce,
        version: derivation.version,
        length: derivation.length,
        alphabet: &derivation.alphabet,
    };
    let password = match password::derive(key.expose(), &from) {
        Ok(password) => password,
        Err(error) => return Ok(Err(error.to_string())),
    };
    Ok(match seal::seal(&password, &derivation.recipients) {
        Ok(sealed) => Ok(Prepared {
            nonce,
            derivation,
            password,
            sealed,
        }),
        Err(error) => Err(error.to_string()),
    })
}

/// 128 random bits, in hex.
pub fn nonce() -> String {
    data_encoding::HEXLOWER.encode(&rand::random::<[u8; 16]>())
}
