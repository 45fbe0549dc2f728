/** What an engine does about an agent of which it knows that readings are on their way, or will come later. */
import { describe, expect, it } from "vitest";
import { AGENT, device, group, message, reading, SITE, START, stage } from "./sample-engine.ts";

const RULES = group(
  `id: out, when: media_out, severity: major, for: 20s`,
  `id: hot, when: head_temperature_celsius > 70, severity: minor, clear: { when: head_temperature_celsius < 50, for: 20s }`,
);
const on = () => stage(RULES, [device("printer", "label_printer")]);

describe("an agent that is behind", () => {
  it("lets no time pass for its devices, so that a reading on its way can still contradict", () => {
    const { engine, said, read, tick } = on();
    read("printer", 0, { up: true, media_out: true });
    engine.setAgentBehind(SITE, AGENT, true, START);
    tick(60);
    expect(said).toEqual(["0s printer out inactive>pending major"]);
    read("printer", 10, { up: true, media_out: false });
    engine.setAgentBehind(SITE, AGENT, false, START + 60_000);
    tick(60);
    expect(said).toEqual(["0s printer out inactive>pending major", "10s printer out pending>inactive"]);
  });

  it("has its time pass as it was due once it is not, and when it is offline", () => {
    const { engine, said, read, tick, say } = on();
    read("printer", 0, { up: true, media_out: true });
    engine.setAgentBehind(SITE, AGENT, true, START);
    tick(30);
    engine.setAgentBehind(SITE, AGENT, false, START + 30_000);
    tick(30);
    expect(said).toEqual(["0s printer out inactive>pending major", "20s printer out pending>firing major"]);
    engine.setAgentBehind(SITE, AGENT, true, START);
    say(engine.setAgentOnline(SITE, AGENT, false, START + 40_000));
    say(engine.setAgentOnline(SITE, AGENT, true, START + 41_000));
    read("printer", 42, { up: true, media_out: false });
    expect(said.at(-1)).toBe("42s printer out firing>inactive");
  });

  it("lets time pass for its devices by what it reads itself, and not by what others at the site read", () => {
    const { engine, said, read, say } = stage(RULES, [device("p-1", "label_printer"), device("p-2", "label_printer")]);
    say(engine.setInventory(SITE, "front", [device("p-3", "label_printer")], START));
    read("p-1", 0, { up: true, media_out: true });
    engine.setAgentBehind(SITE, AGENT, true, START);
    say(engine.observe(SITE, "front", message([reading("p-3", 30_000, { up: true })]), 0));
    expect(said).toEqual(["0s p-1 out inactive>pending major"]);
    read("p-2", 25, { up: true });
    expect(said.at(-1)).toBe("20s p-1 out pending>firing major");
  });
});

it("a device is not silent because its agent was behind, but when it does not answer after that", () => {
  const rules = group(`id: quiet, when: silent_for() > 40, severity: minor`);
  const { engine, said, read, tick } = stage(rules, [device("printer", "label_printer")]);
  read("printer", 0, { up: true });
  engine.setAgentBehind(SITE, AGENT, true, START);
  tick(100);
  engine.setAgentBehind(SITE, AGENT, false, START + 100_000);
  tick(120);
  expect(said).toEqual([]);
  tick(140);
  expect(said).toEqual(["135s printer quiet inactive>firing minor"]);
});

describe("an interrupt", () => {
  it("counts nothing of before it, for the condition may not have held in the gap", () => {
    const { engine, said, read, tick, say } = on();
    read("printer", 0, { up: true, media_out: true });
    read("printer", 15, { up: true, media_out: true });
    say(engine.interrupt(SITE, AGENT));
    tick(25);
    read("printer", 30, { up: true, media_out: true });
    tick(45);
    expect(said).toEqual([
      "0s printer out inactive>pending major",
      "15s printer out pending>inactive",
      "30s printer out inactive>pending major",
    ]);
    tick(50);
    expect(said.at(-1)).toBe("50s printer out pending>firing major");
  });

  it("leaves what fires, and begins its recovery anew", () => {
    const { engine, said, read, tick, say } = on();
    read("printer", 0, { up: true, head_temperature_celsius: 90 });
    read("printer", 10, { up: true, head_temperature_celsius: 40 });
    say(engine.interrupt(SITE, AGENT));
    tick(35);
    expect(engine.faults()).toMatchObject([{ rule: "hot", state: "firing" }]);
    read("printer", 40, { up: true, head_temperature_celsius: 40 });
    tick(59);
    expect(said.filter((one) => one.includes("inactive"))).toEqual(["0s printer hot inactive>firing minor"]);
    tick(60);
    expect(said.at(-1)).toBe("60s printer hot recovering>inactive");
  });
});
