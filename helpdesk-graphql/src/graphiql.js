// Starts GraphiQL with the token of the link. A file of its own: the page's policy allows no scripts within it.
"use strict";

// The token stands behind `#token=`: browsers never send that part to a server. Once read it lives in this tab
// only, not in the address or the history.
const linked = () => new URLSearchParams(window.location.hash.slice(1)).get("token");
if (linked()) {
  sessionStorage.setItem("helpdesk-token", linked());
  history.replaceState(null, "", window.location.pathname + window.location.search);
}
// Another person's link in the same tab changes nothing but the hash.
window.addEventListener("hashchange", () => linked() && window.location.reload());

const token = sessionStorage.getItem("helpdesk-token");
const login = token ? { Authorization: `Bearer ${token}` } : {};
const endpoint = new URL("/graphql", window.location.origin);
const socket = new URL("/graphql/ws", window.location.origin);
socket.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";
const fetcher = GraphiQL.createFetcher({
  url: endpoint.toString(),
  subscriptionUrl: socket.toString(),
  headers: login,
  wsConnectionParams: login,
});
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(React.createElement(GraphiQL, { fetcher, defaultEditorToolsVisibility: true }));
