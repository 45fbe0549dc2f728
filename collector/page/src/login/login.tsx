import { type FormEvent, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { api, live } from "../api/use-live.ts";
import { Mark } from "../ui/mark.tsx";
import { safeTarget } from "./target.ts";
import "./login.css";

export function Login() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const [problem, setProblem] = useState<string | null>(
    new URLSearchParams(search).has("spent") ? "This sign-in link was used already or is too old." : null,
  );
  const [busy, setBusy] = useState(false);

  async function signIn(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    const answer = await api.signIn(String(form.get("name") ?? ""), String(form.get("password") ?? ""));
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.error.message);
      return;
    }
    live.start();
    navigate(safeTarget(new URLSearchParams(search).get("next")), { replace: true });
  }

  return (
    <main className="login">
      <h1>
        <Mark />
        Aislewatch
      </h1>
      <form onSubmit={signIn}>
        <label>
          Name
          <input name="name" autoComplete="username" required maxLength={128} />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required maxLength={1024} />
        </label>
        {problem !== null && (
          <p className="login-problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p className="login-hint">
        No password? Run <code>aislewatch login-link</code> on the collector's machine and open the link that it prints.
        It works once, for ten minutes.
      </p>
    </main>
  );
}
