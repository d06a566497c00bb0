import { assertEquals } from "@std/assert";
import { PASSWORD, sharedServer } from "../end_to_end/scenario.ts";
import { browserScenario } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });

browserScenario("two browsers and a terminal talk together", async (site) => {
  const server = await shared();
  const yoda = await site.visitor(server);
  await yoda.signIn("Yoda");
  const leia = await site.visitor(server, { phone: true });
  await leia.signIn("Leia");
  const terminal = site.program({
    args: [
      "-A",
      "client/main.ts",
      server.hostname,
      String(server.port),
      "--user",
      "Han",
      "--register",
    ],
    env: { DFP_PASSWORD: PASSWORD },
  });
  await terminal.write("CRT Falcon\nJIN Falcon\nHello from the terminal.\n");
  await yoda.open("Falcon");
  await yoda.sees("Hello from the terminal.");
  await leia.open("Falcon");
  await yoda.say("Hear you, I do.");
  await leia.sees("Hear you, I do.");
  await leia.say("So do I.");
  await yoda.sees("So do I.");
  await terminal.output.until((line) => line.includes("So do I."));
  await terminal.endInput();
  assertEquals((await terminal.exited).code, 0);
  await yoda.page.getByRole("button", { name: "Sign out" }).click();
  await yoda.page.locator(".sign-in").waitFor();
});
