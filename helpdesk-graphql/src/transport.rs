//! HTTP and WebSocket, by async-graphql-axum's own handlers: the one seam where stricter ones can take their place.

use std::sync::Arc;

use async_graphql::http::ALL_WEBSOCKET_PROTOCOLS;
use async_graphql::{Data, Response as Answer, ServerError};
use async_graphql_axum::{GraphQLProtocol, GraphQLRequest, GraphQLResponse, GraphQLWebSocket};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};

use crate::api::Api;
use crate::fault::{self, coded};
use crate::login::{Login, LoginError};

struct Server<L> {
    api: Api,
    login: L,
}

/// `POST /graphql` and, as a WebSocket, `/graphql/ws` (`graphql-transport-ws`).
pub(crate) fn routes(api: Api, login: impl Login) -> Router {
    let server = Arc::new(Server { api, login });
    Router::new().route("/graphql", post(http)).route("/graphql/ws", any(socket)).with_state(server)
}

async fn http<L: Login>(State(server): State<Arc<Server<L>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let text = "send application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, fault::BAD_USER_INPUT, text);
    }
    let actor = match server.login.request(&parts).await {
        Ok(actor) => actor,
        Err(error) => return not_let_in(&error),
    };
    let Ok(body) = to_bytes(body, server.api.limits.body).await else {
        let text = format!("the body is larger than {} bytes", server.api.limits.body);
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, fault::BAD_USER_INPUT, &text);
    };
    let request = Request::from_parts(parts, Body::from(body));
    let request: Result<GraphQLRequest, _> = GraphQLRequest::from_request(request, &()).await;
    match request {
        Ok(request) => {
            let request = request.into_inner().data(actor);
            GraphQLResponse::from(server.api.schema.execute(request).await).into_response()
        }
        Err(_) => refuse(StatusCode::BAD_REQUEST, fault::BAD_USER_INPUT, "the body is not a GraphQL request in JSON"),
    }
}

async fn socket<L: Login>(
    State(server): State<Arc<Server<L>>>,
    protocol: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let limit = server.api.limits.body;
    upgrade.max_message_size(limit).protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(move |stream| async move {
        let schema = server.api.schema.clone();
        let init = move |payload: serde_json::Value| async move {
            let actor = server.login.socket(&parts, &payload).await;
            let actor = actor.map_err(|error| coded(code(&error), error.to_string()))?;
            let mut data = Data::default();
            data.insert(actor);
            Ok(data)
        };
        GraphQLWebSocket::new(stream, schema, protocol).on_connection_init(init).serve().await;
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
}

const fn code(error: &LoginError) -> &'static str {
    match error {
        LoginError::Unauthenticated => fault::UNAUTHENTICATED,
        LoginError::Unavailable => fault::UNAVAILABLE,
    }
}

fn not_let_in(error: &LoginError) -> Response {
    match error {
        LoginError::Unauthenticated => {
            let mut response = refuse(StatusCode::UNAUTHORIZED, code(error), &error.to_string());
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            response
        }
        LoginError::Unavailable => refuse(StatusCode::SERVICE_UNAVAILABLE, code(error), &error.to_string()),
    }
}

fn refuse(status: StatusCode, code: &str, text: &str) -> Response {
    let error = coded(code, text);
    let mut one = ServerError::new(error.message, None);
    one.extensions = error.extensions;
    (status, GraphQLResponse::from(Answer::from_errors(vec![one]))).into_response()
}
