/* Starts swagger-ui on the description that the page names. Keeps no token beyond the page and asks no other host. */
"use strict";

const docs = document.getElementById("docs");
const openapi = new URL(docs.dataset.openapi, document.baseURI);

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

/* The description names its server relative to itself, which tells a reader nothing: show what it means here. */
const BaseAddress = (original, { React, specSelectors }) => () => {
  const server = specSelectors.specJson().getIn(["servers", 0, "url"], "/");
  const address = new URL(server, openapi).href.replace(/\/$/, "");
  return React.createElement("p", { className: "plain" }, "Base address ", React.createElement("code", null, address));
};

/* The cookie of the pages goes along by itself, and no script may set it: there is nothing to type. */
const OwnCookie = (original, { React }) => ({ schema }) =>
  React.createElement("div", { className: "plain" }, React.createElement("h4", null, "Cookie ", React.createElement("code", null, schema.get("name"))), "Your browser sends it by itself.");

const ui = SwaggerUIBundle({
  url: openapi.href,
  domNode: docs,
  plugins: [() => ({ wrapComponents: { ServersContainer: BaseAddress, apiKeyAuth: OwnCookie } })],
  deepLinking: true,
  docExpansion: "none", // two hundred operations at once take a browser many seconds
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null, // the default sends the address to a host outside
  onComplete: () => {
    document.title = ui.specSelectors.info().get("title");
  },
});
