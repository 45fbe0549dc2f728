/** Where to go after signing in: a path of this page. Anything else in the link (`//host`, `https:`) leads to the board. */
export function safeTarget(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next) || [...next].some((char) => char < " ")) return "/";
  return next.startsWith("/login") || next.startsWith("/api/") ? "/" : next;
}
