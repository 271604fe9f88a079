// The frame around the pages, which loads first. Each page is a module of its own, loaded when it is visited.
import "./components/connection-state.js";
import "./components/service-version.js";
import "./components/sign-out.js";
import "./components/theme-switch.js";
import { askForTokens } from "./components/sign-in.js";
import { start } from "./lib/router.js";
import { may, session } from "./lib/session.js";

askForTokens();
const main = document.querySelector("main");

// The part of the address after `#` names the page, so the link must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

session().then((principal) => {
  document.querySelector(".new-job").toggleAttribute("hidden", !may(principal, "submit"));
}, () => {});

start(main, [
  ["/jobs", () => import("./pages/jobs.js")],
  ["/jobs/:id", () => import("./pages/job.js")],
  ["/compare", () => import("./pages/compare.js")],
  ["/new", () => import("./pages/new-job.js")],
  ["/models", () => import("./pages/models.js")],
  ["/models/:id", () => import("./pages/model.js")],
  ["/try/:id", () => import("./pages/try.js")],
  ["/datasets", () => import("./pages/datasets.js")],
  ["/datasets/:id", () => import("./pages/dataset.js")],
  ["/workers", () => import("./pages/workers.js")],
]);
