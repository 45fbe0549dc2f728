import type { Rule } from "@aislewatch/rules";

/** For tests: label printers without media, at once. */
export const MEDIA_OUT: Rule = {
  id: "media-out",
  group: "label-printers",
  select: 'kind == "label_printer"',
  scope: "device",
  title: "Label media out",
  raise: [{ severity: "major", when: "media_out", forMs: 0 }],
  clear: null,
  keepMs: 0,
  // biome-ignore lint/suspicious/noThenProperty: the word of the rule language.
  missing: { then: "hold", afterMs: 0 },
  dependsOn: [],
  absorbs: [],
  on: null,
  flap: null,
  activeIn: "always",
  category: "consumable",
  tier: 1,
  autoCloseMs: null,
  runbook: "label-printer/media-out",
  vars: {},
  mode: "live",
  chart: null,
  version: "a1",
  file: "rules/packs/label-printers.yaml",
  line: 3,
};
