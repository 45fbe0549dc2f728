/**
 * Who is asking. People sign in with a password or a single-use link and get a cookie; programs send a bearer token.
 * Only SHA-256 hashes of sessions, links and tokens are stored: each is 256 random bits, so a fast hash is enough, and
 * a stolen database signs nobody in.
 */
import { createHash } from "node:crypto";
import type { Clock } from "@aislewatch/base";
import type { Actor } from "../incidents/types.ts";
import type { ApiToken, Role, StateStore, User } from "../store/state/store.ts";
import { hashPassword, verifyPassword } from "./password.ts";

const SECRET_BYTES = 32;
/** A sign-in link is for the person who just started the collector, not for a mailbox. */
export const LINK_LIFE_MS = 10 * 60_000;
/** A session ends this long after its last use: one shift. A page that stays open stays signed in. */
export const SESSION_IDLE_MS = 12 * 3_600_000;
/** However it is used, a session ends after this. */
export const SESSION_LIFE_MS = 30 * 86_400_000;

export type Identity = {
  readonly name: string;
  readonly role: Role;
  readonly actor: Actor;
  readonly by:
    | { readonly kind: "session"; readonly idHash: string }
    | { readonly kind: "token"; readonly hash: string };
};

/** `random` gives cryptographically random bytes. */
export type AuthDeps = {
  readonly state: StateStore;
  readonly clock: Clock;
  random(bytes: number): Uint8Array;
};

const newSecret = (deps: AuthDeps): string => Buffer.from(deps.random(SECRET_BYTES)).toString("base64url");
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");

/** A single-use sign-in for `user`, as the path of the collector's address: `/api/v1/session/link/…`. */
export function createLoginLink(deps: AuthDeps, user: string): string {
  const secret = newSecret(deps);
  deps.state.putLoginLink({ tokenHash: hashOf(secret), user, expiresAt: deps.clock.now() + LINK_LIFE_MS });
  return `/api/v1/session/link/${secret}`;
}

/** A bearer token for a program; shown once, here. A token of that name is replaced. */
export function createToken(deps: AuthDeps, name: string, role: Role): string {
  const secret = `awt_${newSecret(deps)}`;
  deps.state.putToken({ name, tokenHash: hashOf(secret), role, createdAt: deps.clock.now() });
  return secret;
}

/** Makes the user or changes role and password; null lets them in by link only. Throws PasswordsBusy. */
export async function putUser(
  deps: AuthDeps,
  user: { name: string; role: Role; password: string | null },
): Promise<void> {
  const { name, role, password } = user;
  const before = deps.state.users().find((other) => other.name === name);
  const passwordHash = password === null ? null : await hashPassword(password);
  deps.state.putUser({ name, role, passwordHash, createdAt: before?.createdAt ?? deps.clock.now() });
}

/** At first start somebody must be let in: makes `admin`, who signs in by link, when no administrator is there. */
export function ensureAdmin(deps: AuthDeps): User {
  const present = deps.state.users().find((user) => user.role === "admin");
  if (present !== undefined) return present;
  const admin: User = { name: "admin", role: "admin", passwordHash: null, createdAt: deps.clock.now() };
  deps.state.putUser(admin);
  return admin;
}

/** The secret of a new session, for the cookie. */
export function startSession(deps: AuthDeps, user: string): string {
  const secret = newSecret(deps);
  const now = deps.clock.now();
  deps.state.putSession({ idHash: hashOf(secret), user, createdAt: now, expiresAt: now + SESSION_IDLE_MS });
  return secret;
}

/** The user that name and password belong to, or null. Throws PasswordsBusy. */
export async function checkPassword(deps: AuthDeps, name: string, password: string): Promise<User | null> {
  const user = deps.state.users().find((other) => other.name === name) ?? null;
  return (await verifyPassword(password, user?.passwordHash ?? null)) ? user : null;
}

/** Takes the link: a second call with it gives null, as does a link that is too old or whose user is gone. */
export function takeLink(deps: AuthDeps, secret: string): User | null {
  const link = deps.state.takeLoginLink(hashOf(secret), deps.clock.now());
  return link === null ? null : (deps.state.users().find((user) => user.name === link.user) ?? null);
}

/** Who the cookie belongs to; moves the session's end on as it is used. */
export function identifySession(deps: AuthDeps, secret: string): Identity | null {
  return refreshSession(deps, hashOf(secret));
}

function refreshSession(deps: AuthDeps, idHash: string): Identity | null {
  const now = deps.clock.now();
  const session = deps.state.session(idHash, now);
  if (session === null || session.expiresAt <= now) return null;
  const { user, role, createdAt, expiresAt } = session;
  const wanted = Math.min(now + SESSION_IDLE_MS, createdAt + SESSION_LIFE_MS);
  // One write an hour at most, not one a request.
  if (wanted - expiresAt > SESSION_IDLE_MS / 12) {
    deps.state.putSession({ idHash, user, createdAt, expiresAt: wanted });
  }
  return { name: user, role, actor: `user:${user}`, by: { kind: "session", idHash } };
}

export function identifyToken(deps: AuthDeps, secret: string): Identity | null {
  const hash = hashOf(secret);
  const token: ApiToken | null = deps.state.token(hash);
  return token === null
    ? null
    : { name: token.name, role: token.role, actor: `token:${token.name}`, by: { kind: "token", hash } };
}

/** Has this identity neither signed out nor been taken away since? Counts as a use of the session. */
export function stillHolds(deps: AuthDeps, { by }: Identity): boolean {
  return by.kind === "token" ? deps.state.token(by.hash) !== null : refreshSession(deps, by.idHash) !== null;
}
