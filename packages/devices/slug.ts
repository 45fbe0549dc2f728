/** The longest component name that an id may be (contract: 64), less room for a number that tells equal names apart. */
const NAME_CHARS_MAX = 58;

/**
 * A component's name from what the device calls it: `Gi0/1` of prefix `port` is `port-gi0-1`, `Tray 2` of prefix
 * `tray` is `tray-2` and so is `tray2`. Empty when nothing of the text can stand in an id.
 */
export function componentName(prefix: string, text: string): string {
  const slug = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  if (slug === "") return "";
  const rest = slug.replace(new RegExp(`^${prefix}(?:-|(?=\\d))`), "");
  const named = slug === prefix ? slug : `${prefix}-${rest}`;
  return named.slice(0, NAME_CHARS_MAX).replace(/-+$/, "");
}
