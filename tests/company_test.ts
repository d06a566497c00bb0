import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createCompany } from "../server/company.ts";
import { runs } from "./runs.ts";

Deno.test("one is alone whom nobody has taken turns with for a second", () => {
  const company = createCompany();
  const [ann, bob, cyd] = [{}, {}, {}];
  assertEquals(company.alone(0), true, "nobody is there");
  company.heard(ann, 0);
  company.heard(ann, 10);
  assertEquals(company.alone(10), true);
  company.heard(bob, 20);
  assertEquals([company.alone(20), company.alone(1020), company.alone(1021)], [false, false, true]);
  company.heard(bob, 1500);
  assertEquals(company.alone(1500), true, "nobody else has been heard since");
  company.gone(ann);
  company.heard(cyd, 1600);
  assertEquals([company.alone(1700), company.alone(2601)], [false, true]);
  company.gone(cyd);
  company.heard(ann, 3000);
  assertEquals(company.alone(3000), true, "whoever was here last has left");
});

Deno.test("nobody is alone while somebody else is there who was heard within the last second", () => {
  const event = fc.record({ who: fc.nat(2), after: fc.nat(700), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const company = createCompany();
      let people = [{}, {}, {}];
      let heard: { who: object; at: number }[] = [];
      let now = 0;
      for (const { who, after, leaves } of events) {
        now += after;
        company.heard(people[who], now);
        heard = [...heard, { who: people[who], at: now }];
        const lately = heard.some((one) => one.who !== people[who] && now - one.at <= 1000);
        if (lately) assertEquals(company.alone(now), false);
        if (!leaves) continue;
        company.gone(people[who]);
        heard = heard.filter((one) => one.who !== people[who]);
        people = people.with(who, {});
      }
    }),
    { numRuns: runs(1000) },
  );
});
