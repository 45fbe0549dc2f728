import { expect, it } from "vitest";
import { renderTitle } from "./title.ts";

it.each([
  { value: 12.346, text: "12.3" },
  { value: 1_234, text: "1234" },
  { value: 0.00824, text: "0.0082" },
  { value: -0.015, text: "-0.015" },
  { value: 0, text: "0" },
  { value: true, text: "true" },
  { value: undefined, text: "?" },
])("writes $value into a title as $text", ({ value, text }) => expect(renderTitle("{{ it }}", () => value)).toBe(text));
