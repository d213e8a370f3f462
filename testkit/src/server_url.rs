//! A PostgreSQL URL taken apart just enough to point it at another database. Not a general URL parser.

use std::fmt;

use crate::Error;

/// `postgres://user:password@host:port/…?options`, without its database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    authority: String,
    options: Option<String>,
}

impl ServerUrl {
    pub(crate) fn local(user: &str, port: u16) -> Self {
        Self { authority: format!("{user}@127.0.0.1:{port}"), options: None }
    }

    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let bad = || Error::Url { url: url.to_owned() };
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")).ok_or_else(bad)?;
        let (place, options) = match rest.split_once('?') {
            Some((place, options)) => (place, Some(options.to_owned())),
            None => (rest, None),
        };
        let authority = place.split('/').next().unwrap_or_default().to_owned();
        let parsed = Self { authority, options };
        if parsed.user().is_empty() || parsed.host().is_empty() || parsed.port().is_none() {
            return Err(bad());
        }
        Ok(parsed)
    }

    pub(crate) fn database(&self, name: &str) -> String {
        let options = self.options.as_ref().map(|text| format!("?{text}")).unwrap_or_default();
        format!("postgres://{}/{name}{options}", self.authority)
    }

    pub(crate) fn user(&self) -> &str {
        self.login().split(':').next().unwrap_or_default()
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.login().split_once(':').map(|(_, password)| password)
    }

    pub(crate) fn host(&self) -> &str {
        self.place().rsplit_once(':').map_or(self.place(), |(host, _)| host)
    }

    /// 5432 when the URL names none; nothing when it is not a number.
    pub(crate) fn port(&self) -> Option<u16> {
        self.place().rsplit_once(':').map_or(Some(5432), |(_, port)| port.parse().ok())
    }

    fn login(&self) -> &str {
        self.authority.rsplit_once('@').map_or("", |(login, _)| login)
    }

    fn place(&self) -> &str {
        self.authority.rsplit_once('@').map_or(self.authority.as_str(), |(_, place)| place)
    }
}

/// Without the password: this ends up in test logs.
impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@{}", self.user(), self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_login_place_and_options() {
        let url = ServerUrl::parse("postgresql://ana:s3cret@db.example:6000/desk?sslmode=disable").unwrap();
        assert_eq!(url.database("t1"), "postgres://ana:s3cret@db.example:6000/t1?sslmode=disable");
        assert_eq!((url.user(), url.password(), url.host()), ("ana", Some("s3cret"), "db.example"));
        assert_eq!(url.port(), Some(6000));
        assert_eq!(format!("{url:?}"), "postgres://ana@db.example:6000");
    }

    #[test]
    fn the_port_may_be_left_out() {
        assert_eq!(ServerUrl::parse("postgres://ana@localhost").unwrap().port(), Some(5432));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for url in ["", "mysql://a@b/c", "postgres:///desk", "postgres://host/desk", "postgres://a@h:port/desk"] {
            assert_eq!(ServerUrl::parse(url).unwrap_err().code(), "bad_url", "{url}");
        }
    }
}
