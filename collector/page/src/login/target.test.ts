import { expect, it } from "vitest";
import { safeTarget } from "./target.ts";

it.each([
  { next: "/incidents/INC-1?x=1", target: "/incidents/INC-1?x=1" },
  { next: null, target: "/" },
  { next: "//evil.example", target: "/" },
  { next: "/\\evil.example", target: "/" },
  { next: "/\t/evil.example", target: "/" },
  { next: "https://evil.example", target: "/" },
  { next: "javascript:alert(1)", target: "/" },
  { next: "/login?next=/login", target: "/" },
  { next: "/api/v1/session", target: "/" },
])("goes from next=$next to $target", ({ next, target }) => expect(safeTarget(next)).toBe(target));
