//! Ids that follow from the log: the same log gives the same ids, on every database and after every crash.

use helpdesk_core::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Names of one import, inside one tenant and project.
#[derive(Debug, Clone)]
pub struct Ids {
    scope: String,
}

impl Ids {
    /// For the project `project` of the tenant `tenant`.
    pub fn new(tenant: &str, project: &str) -> Self {
        Self { scope: format!("{tenant}\0{project}\0") }
    }

    /// The UUIDv7 (RFC 9562) of what is called `name` and happened at `at`; times before 1970 count as 1970.
    pub fn of(&self, at: Timestamp, name: &str) -> Uuid {
        let hash = Sha256::new().chain_update(&self.scope).chain_update(name).finalize();
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash[..10]);
        uuid::Builder::from_unix_timestamp_millis(at.millis().max(0).unsigned_abs(), &tail).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_id_and_another_name_another() {
        let at = Timestamp::from_millis(0x018f_2b6e_0000);
        let ids = Ids::new("acme", "INC");
        let id = ids.of(at, "INC1/0/0");
        assert_eq!(id, ids.of(at, "INC1/0/0"));
        assert_ne!(id, ids.of(at, "INC1/0/1"));
        assert_ne!(id, Ids::new("acme", "IT").of(at, "INC1/0/0"));
        assert_eq!((id.get_version_num(), id.as_u128() >> 80), (7, 0x018f_2b6e_0000));
    }
}
