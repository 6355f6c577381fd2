import { connect } from "hearth-realtime";
import { HearthProvider } from "hearth-realtime/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Circle } from "./Circle.js";
import "./page.css";

// From what follows # in the address, which no server gets to see: #url=…&token=…&circle=…
const given = new URLSearchParams(location.hash.slice(1));
const token = given.get("token");
const client = connect(given.get("url") ?? "http://localhost:8000", token === null ? {} : { token });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <HearthProvider client={client}>
      <Circle name={given.get("circle") ?? "dev-team"} />
    </HearthProvider>
  </StrictMode>,
);
