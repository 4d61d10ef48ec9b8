// Everything that static/graphiql.js imports, in one module without outside references.
export { createElement } from "react";
export { createRoot } from "react-dom/client";
export { GraphiQL } from "graphiql";
export { createGraphiQLFetcher } from "@graphiql/toolkit";
export { createClient } from "graphql-ws";
import "graphiql/style.css";
