export type { Diagnostic } from "./diagnostic.ts";
export { loadYamlFile, readConfigText, readSecret, type SecretError } from "./files.ts";
export { formatDiagnostics } from "./format.ts";
export { byteSize, byteSizeBetween, durationMs, durationMsBetween, writeDuration } from "./quantity.ts";
export { maskSecrets, type SecretRef, secretRef } from "./secret.ts";
export { formatPath, type Path, type Position, type YamlSource } from "./source.ts";
export { suggest } from "./suggest.ts";
export { asWritten, type Written } from "./written.ts";
export { CONFIG_LIMITS, parseYaml, wholeFile, type YamlResult } from "./yaml.ts";
