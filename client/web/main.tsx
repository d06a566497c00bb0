/**
 * The page's entry: makes its parts and draws them.
 *
 * @module
 */

import { render } from "preact";
import { AppProvider, createApp } from "./app.ts";
import { Page } from "./views/page.tsx";

const app = createApp({
  room: () => import("./views/room.tsx"),
  seldom: () => import("./views/seldom.tsx"),
});
app.account.resume();
render(
  <AppProvider value={app}>
    <Page />
  </AppProvider>,
  document.getElementById("app")!,
);
// From here on what is done is answered.
performance.mark("interactive");
