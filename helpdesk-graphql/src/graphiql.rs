//! The GraphiQL page and its scripts, for those who want it: it is not part of [`router`](crate::router).
//!
//! Everything it needs is served from memory, and the page's policy lets it load nothing from elsewhere. What the
//! scripts are, from where and under which licence, is told in `assets/README.md`.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// GraphiQL sets styles within elements and draws small images from its style sheet; scripts come from files only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file with its version in its name: what an address once gave it always gives.
struct Vendored {
    path: &'static str,
    content_type: &'static str,
    /// As `gzip` leaves it. It is served so to everyone: there is no browser that cannot read it.
    zipped: &'static [u8],
}

const VENDORED: [Vendored; 4] = [
    Vendored {
        path: "/graphiql/graphiql-3.8.3.css",
        content_type: STYLE,
        zipped: include_bytes!("../assets/graphiql-3.8.3.css.gz"),
    },
    Vendored {
        path: "/graphiql/graphiql-3.8.3.js",
        content_type: SCRIPT,
        zipped: include_bytes!("../assets/graphiql-3.8.3.js.gz"),
    },
    Vendored {
        path: "/graphiql/react-18.3.1.js",
        content_type: SCRIPT,
        zipped: include_bytes!("../assets/react-18.3.1.js.gz"),
    },
    Vendored {
        path: "/graphiql/react-dom-18.3.1.js",
        content_type: SCRIPT,
        zipped: include_bytes!("../assets/react-dom-18.3.1.js.gz"),
    },
];

/// `GET /graphiql`: a page to try the API by hand, beside the routes of [`router`](crate::router). Open it as
/// `/graphiql#token=…` to be logged in by [`Bearer`](crate::Bearer) token. Its scripts and styles are served below
/// `/graphiql/`, so it needs no internet. Merge it at the root of the host's address: the page asks for `/graphql`.
pub fn graphiql() -> Router {
    let own = Router::new()
        .route("/graphiql", get(async || changing("text/html; charset=utf-8", include_str!("graphiql.html"))))
        .route("/graphiql/start.js", get(async || changing(SCRIPT, include_str!("graphiql.js"))));
    VENDORED.iter().fold(own, |router, file| router.route(file.path, get(async || file.answer())))
}

/// A file of this crate: another release may have another at the same address.
fn changing(content_type: &'static str, text: &'static str) -> Response {
    guarded(content_type, "no-cache", text)
}

impl Vendored {
    fn answer(&self) -> Response {
        let mut answer = guarded(self.content_type, "public, max-age=31536000, immutable", self.zipped);
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer
    }
}

fn guarded(content_type: &'static str, cache: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}
