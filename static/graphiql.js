// GraphiQL for this API: queries and mutations by POST, subscriptions by graphql-transport-ws, both to the page's
// own address. Both go with the token of the bar above (or the Authorization header of GraphiQL's headers tab), and
// without one with the session of this site's pages.
import { GraphiQL, createClient, createElement, createGraphiQLFetcher, createRoot } from "./vendor/graphiql/graphiql.js";

const ENDPOINT = new URL(location.pathname, location.origin);
const SOCKET = new URL(location.pathname, location.origin.replace(/^http/, "ws"));
const TOKEN_KEY = "graphql-token";

const ORDERS = `# The newest orders. "search" finds others: an order,
# customer or tracking reference, or a SKU.
# Ctrl-Enter runs it; Ctrl-Space shows what else
# can be queried.

query Orders {
  orders(first: 5) {
    nodes {
      id
      reference
      status
      placedAt
      shipments {
        status
        trackingNumber
        warehouse {
          code
        }
      }
      events {
        nodes {
          at
          actor
          summary
        }
      }
    }
  }
}
`;

const SHIPMENTS = `# The shipments that you carry or may pick up.
# Ctrl-Enter runs it; Ctrl-Space shows what else
# can be queried.

query Shipments {
  shipments(first: 5) {
    nodes {
      id
      status
      trackingNumber
      warehouse {
        name
      }
      lines {
        name
        quantity
      }
    }
  }
}
`;

const PRODUCTS = `# Products that can be ordered, and your orders.
# Ctrl-Enter runs it; Ctrl-Space shows what else
# can be queried.

query Shop {
  products(first: 5) {
    nodes {
      sku
      name
      availability
      unitPrice {
        amount
        currency
      }
    }
  }
  orders(first: 5) {
    nodes {
      reference
      status
      placedAt
    }
  }
}
`;

const SIGN_IN = `# Sign in on the pages or paste a token above,
# then press Ctrl-Enter.

query Me {
  viewer {
    name
    role
  }
}
`;

/** A first query that finds something for the role. */
const DEFAULT_QUERIES = { MANAGER: ORDERS, SUPPORT: ORDERS, COURIER: SHIPMENTS, CUSTOMER: PRODUCTS, SERVICE: PRODUCTS };

const storedToken = () => sessionStorage.getItem(TOKEN_KEY) ?? "";

/** The headers to send: those of the headers tab, and the token where they name no Authorization themselves. */
function withAuthorization(headers, token) {
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return named || !token ? { ...headers } : { ...headers, Authorization: `Bearer ${token}` };
}

const authorizationOf = (headers) => new Headers(headers).get("Authorization");

/** Runs one operation. Each subscription has its own socket, so that none continues with an earlier token. */
function fetcherWith(token) {
  return (operation, options = {}) => {
    const headers = withAuthorization(options.headers ?? {}, token);
    const authorization = authorizationOf(headers);
    const wsClient = createClient({
      url: SOCKET.href,
      connectionParams: authorization ? { authorization } : undefined,
      retryAttempts: 0, // show a refusal or a lost connection at once; the reader may run it again
    });
    const fetcher = createGraphiQLFetcher({ url: ENDPOINT.href, wsClient, enableIncrementalDelivery: false });
    return fetcher(operation, { ...options, headers });
  };
}

/** Local storage, without the headers in the history of queries, because they contain credentials. */
const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, isHistory(key) ? withoutHeaders(value) : value),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ownKeys().length;
  },
};

const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith("graphiql:"));
const isHistory = (key) => key === "graphiql:queries" || key === "graphiql:favorites";
const withoutHeaders = (json) => JSON.stringify(JSON.parse(json), (name, value) => (name === "headers" ? undefined : value));

/** Shows the viewer, or why the API refuses the credentials. */
function showViewer({ viewer, refusal }) {
  const output = document.getElementById("viewer");
  output.className = viewer ? "" : "refused";
  output.textContent = viewer ? `${viewer.name} (${viewer.role})` : refusal;
}

/** The viewer of a token, or the API's refusal. */
async function fetchViewer(token) {
  try {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: withAuthorization({ "Content-Type": "application/json", Accept: "application/json" }, token),
      body: JSON.stringify({ query: "query Viewer { viewer { name role } }" }),
    });
    const { data, errors } = await response.json();
    return { viewer: data?.viewer, refusal: errors?.[0]?.message ?? `The API answered ${response.status}.` };
  } catch (error) {
    return { refusal: `The API is unreachable: ${error.message}` };
  }
}

/**
 * Fills the editors from ?query=…&variables=…, and executes nothing.
 *
 * They are stored as if they had been typed: GraphiQL finds the tab that has them, or opens one.
 */
function prefill() {
  const parameters = new URLSearchParams(location.search);
  if (!parameters.has("query")) return;
  for (const name of ["query", "variables"]) {
    storage.setItem(`graphiql:${name}`, parameters.get(name) ?? "");
  }
}

/** What GraphiQL leaves out for readers of screens and users of keyboards; called after each of its changes. */
function makeAccessible(root) {
  for (const editor of root.querySelectorAll(".CodeMirror")) {
    const name = editor.closest("[aria-label]")?.getAttribute("aria-label") ?? "Editor";
    setOnce(editor.querySelector("textarea"), "aria-label", name);
    setOnce(editor.querySelector(".CodeMirror-scroll"), "tabindex", "0");
  }
  // A tab may not contain its button for closing; as items of a list they may.
  root.querySelector(".graphiql-tabs[role=tablist]")?.removeAttribute("role");
  for (const tab of root.querySelectorAll(".graphiql-tab[aria-selected]")) {
    const isCurrent = tab.getAttribute("aria-selected") === "true";
    tab.removeAttribute("role");
    tab.removeAttribute("aria-selected");
    setOnce(tab.querySelector(".graphiql-tab-button"), "aria-current", String(isCurrent));
  }
  // Its name is what stands on it, not "Set active".
  for (const item of root.querySelectorAll(".graphiql-history-item-label[aria-label]")) item.removeAttribute("aria-label");
}

function setOnce(element, name, value) {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function start() {
  const root = createRoot(document.getElementById("graphiql"));
  const field = document.getElementById("token");
  const editors = { shouldPersistHeaders: false, storage };

  async function use(token) {
    sessionStorage.setItem(TOKEN_KEY, token);
    const fetcher = fetcherWith(token);
    const outcome = await fetchViewer(token);
    if (token !== storedToken()) return; // a newer token is being checked
    showViewer(outcome);
    const defaultQuery = DEFAULT_QUERIES[outcome.viewer?.role] ?? SIGN_IN;
    const render = (more) => root.render(createElement(GraphiQL, { ...editors, defaultQuery, fetcher, ...more }));
    render();
    if (outcome.viewer) render({ response: "" }); // clears an earlier token's refusal
  }

  const page = document.getElementById("graphiql");
  new MutationObserver(() => makeAccessible(page)).observe(page, {
    childList: true, subtree: true, attributeFilter: ["aria-selected"],
  });
  prefill();
  field.value = storedToken();
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    use(field.value.trim().replace(/^Bearer\s+/i, ""));
  });
  use(field.value);
}

start();
