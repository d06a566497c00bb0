/**
 * The forum: threads left, what is said in the middle, people and files right.
 *
 * @module
 */

import { useEffect } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { Aside } from "./aside.tsx";
import { Conversation } from "./conversation.tsx";
import { PeerPanel } from "./peer_panel.tsx";
import { Sidebar } from "./sidebar.tsx";
import { Welcome } from "./welcome.tsx";

/** The forum of somebody who is signed in. */
export function RoomView() {
  const app = useApp();
  const forum = useForum();
  const { navigation, overlay } = app;
  const route = navigation.route.value;
  const visits = navigation.visits.value;
  const listed = forum.listed.value;

  useEffect(() => {
    if (route.at === "thread") {
      void forum.openAt(route.thread, route.seq);
      return;
    }
    forum.leave();
  }, [route, visits]);

  // As soon as there is a conversation with somebody, it is a thread like others.
  const begun = route.at === "with" ? forum.conversation(route.user)?.thread : undefined;
  useEffect(() => {
    if (begun !== undefined) navigation.replace({ at: "thread", thread: begun });
  }, [begun]);

  // On a wide page somebody who has not chosen sees the thread where most is going on.
  useEffect(() => {
    if (!listed || !matchMedia("(min-width: 760px)").matches) return;
    const [first] = forum.rows.value.keys();
    if (first !== undefined) navigation.suggest({ at: "thread", thread: first });
  }, [listed]);

  useEffect(() => {
    const look = () => {
      forum.focused.value = document.visibilityState === "visible" && document.hasFocus();
      forum.seen();
    };
    look();
    addEventListener("focus", look);
    addEventListener("blur", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      removeEventListener("blur", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [forum]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        overlay.value = matchMedia("(max-width: 759px)").matches ? "threads" : overlay.value;
        document.querySelector<HTMLInputElement>("#search")?.focus();
      }
      if (event.key === "Escape" && (overlay.value === "threads" || overlay.value === "people")) {
        overlay.value = "none";
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  const shown = overlay.value;
  if (route.at === "search" || shown === "new-thread" || shown === "settings") app.seldom.want();
  const seldom = app.seldom.value;
  const place = route.at === "home" ? "nowhere" : "somewhere";
  return (
    <div class={`room at-${place} show-${shown}`}>
      <a class="skip" href="#composer" onClick={skip}>Skip to writing</a>
      <Sidebar />
      <div class="centre">
        <Banner />
        <PeerPanel />
        {route.at === "search"
          ? seldom && <seldom.SearchView words={route.words} />
          : route.at === "home"
          ? <Welcome />
          : <Conversation route={route} />}
      </div>
      <Aside />
      {(shown === "threads" || shown === "people") && (
        <button
          type="button"
          class="shade"
          aria-label="Close"
          onClick={() => overlay.value = "none"}
        />
      )}
      {shown === "new-thread" && seldom && <seldom.NewThread />}
      {shown === "settings" && seldom && <seldom.Settings />}
      <Complaint />
    </div>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#composer")?.focus();
}

/** Says how the connection is, if it is not well. */
function Banner() {
  const { connection, trouble, outbox } = useForum();
  const waiting = outbox.waiting.value.filter(({ fault }) => fault === undefined).length;
  const offline = connection.value !== "online";
  return (
    <div role="status" class="banner-place">
      {offline && (
        <p class="banner">
          <span class="spinner" aria-hidden="true" />
          <span>
            <strong>Connection lost.</strong> Reconnecting… {waiting > 0
              ? `${waiting} ${waiting === 1 ? "message is" : "messages are"} kept and will be sent.`
              : "What you write is kept and will be sent."}
          </span>
        </p>
      )}
      {!offline && trouble.value !== "" && <p class="banner">{trouble.value}</p>}
    </div>
  );
}

/** Says what went wrong last, for a while. */
function Complaint() {
  const { complaint } = useForum();
  const text = complaint.value;
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => complaint.value = "", 6000);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div role="alert" class="toast-place">
      {text !== "" && (
        <p class="toast">
          {text}
          <button type="button" class="quiet" onClick={() => complaint.value = ""}>Dismiss</button>
        </p>
      )}
    </div>
  );
}
