//! Bearer tokens for a demo: who a token stands for is signed into it with a secret of the data directory.
//!
//! Not a login for production: tokens do not expire, and whoever can read the secret can make any. A real host hands
//! its own users to the desk.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use helpdesk_core::id::{PersonId, TenantId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Length of an id and of the signature in a token, in characters.
const PART: usize = 32;

/// Makes and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    secret: [u8; 32],
}

impl Tokens {
    /// With the secret kept in `dir`; a new random one when there is none.
    pub fn in_dir(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("token-secret");
        let told = || format!("cannot keep the secret of the tokens in {}", path.display());
        match private(&path) {
            Ok(mut file) => {
                let secret = random();
                file.write_all(&secret).and_then(|()| file.sync_all()).with_context(told)?;
                Ok(Self { secret })
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let bytes = fs::read(&path).with_context(told)?;
                let secret = bytes.try_into().map_err(|bytes: Vec<u8>| {
                    let (at, has) = (path.display(), bytes.len());
                    anyhow::anyhow!("{at} has {has} bytes, expected 32; remove it to make all tokens anew")
                })?;
                Ok(Self { secret })
            }
            Err(error) => Err(error).with_context(told),
        }
    }

    /// The token of a person: always the same one while the secret stays.
    pub fn of(&self, tenant: TenantId, person: PersonId) -> String {
        let who = format!("{}{}", Uuid::from(tenant).simple(), Uuid::from(person).simple());
        let signature = self.sign(&who);
        format!("hd_{who}{signature}")
    }

    /// Who a token stands for, if it is one of ours.
    pub fn holder(&self, token: &str) -> Option<(TenantId, PersonId)> {
        let rest = token.strip_prefix("hd_").filter(|rest| rest.len() == 3 * PART && rest.is_ascii())?;
        let (who, signature) = rest.split_at(2 * PART);
        let expected = self.sign(who);
        // Every byte is looked at, so that time tells nothing about the signature.
        let differs = expected.bytes().zip(signature.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        let (tenant, person) = who.split_at(PART);
        (differs == 0).then_some((tenant.parse().ok()?, person.parse().ok()?))
    }

    /// The first 128 bits of HMAC-SHA-256 (RFC 2104), in hexadecimal.
    fn sign(&self, who: &str) -> String {
        let pad = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(self.secret).for_each(|(byte, secret)| *byte ^= secret);
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(who).finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        outer[..PART / 2].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A new file that nobody else may read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// From the system's generator: at least 32 random bits stand in each of the ids.
#[allow(clippy::disallowed_methods, reason = "a secret is the one thing that must not follow from anything")]
fn random() -> [u8; 32] {
    (0..16).fold(Sha256::new(), |hash, _| hash.chain_update(Uuid::now_v7())).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_holder_and_cannot_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::in_dir(dir.path()).unwrap();
        let (tenant, person) = (TenantId::from(Uuid::from_u128(1)), PersonId::from(Uuid::from_u128(2)));
        let token = tokens.of(tenant, person);
        assert_eq!(Tokens::in_dir(dir.path()).unwrap().holder(&token), Some((tenant, person)));
        for at in 3..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(tokens.holder(&String::from_utf8(other).unwrap()), None, "{at}");
        }
        assert_eq!(tokens.holder("hd_é"), None);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(Tokens::in_dir(elsewhere.path()).unwrap().holder(&token), None);
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, test case 2, has a shorter key; padded with zeros it is the same one.
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(b"Jefe");
        let signed = Tokens { secret }.sign("what do ya want for nothing?");
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c7");
    }
}
