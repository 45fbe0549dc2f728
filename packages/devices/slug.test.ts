import { describe, expect, it } from "vitest";
import { componentName } from "./index.ts";

describe("componentName", () => {
  it.each([
    { prefix: "port", text: "Gi0/1", want: "port-gi0-1" },
    { prefix: "tray", text: "Tray 2", want: "tray-2" },
    { prefix: "tray", text: "Tray2", want: "tray-2" },
    { prefix: "port", text: "Portal", want: "port-portal" },
    { prefix: "tray", text: "Bypass", want: "tray-bypass" },
    { prefix: "disk", text: "/var/log", want: "disk-var-log" },
    { prefix: "disk", text: "/", want: "" },
    { prefix: "supply", text: "Cartouche d'encre été", want: "supply-cartouche-d-encre-ete" },
    { prefix: "supply", text: "トナー", want: "" },
    { prefix: "supply", text: "x".repeat(200), want: `supply-${"x".repeat(51)}` },
  ])("$prefix of $text is $want", ({ prefix, text, want }) => {
    expect(componentName(prefix, text)).toBe(want);
  });
});
