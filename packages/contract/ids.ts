/**
 * Ids stand as they are in topics, labels and URLs (docs/wire.md): lower-case letters, digits and hyphens. A device id
 * may hold one slash (`lane-3/receipt-printer`). A subject is a device, or a component of it: `device#component`.
 */
const ID = "[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?";
export const ID_PATTERN = new RegExp(`^${ID}$`);
export const DEVICE_ID_PATTERN = new RegExp(`^${ID}(?:/${ID})?$`);
export const COMPONENT_PATTERN = ID_PATTERN;

export const isId = (text: string): boolean => ID_PATTERN.test(text);
export const isDeviceId = (text: string): boolean => DEVICE_ID_PATTERN.test(text);

export function joinSubject(device: string, component: string | null): string {
  return component === null ? device : `${device}#${component}`;
}

export function splitSubject(subject: string): { device: string; component: string | null } {
  const at = subject.indexOf("#");
  return at < 0
    ? { device: subject, component: null }
    : { device: subject.slice(0, at), component: subject.slice(at + 1) };
}
