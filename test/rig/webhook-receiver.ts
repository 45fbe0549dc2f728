/** One who is told by webhook: it verifies signatures as any receiver would, and answers as it is asked to. */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { onCleanUp, WEBHOOK_SECRET } from "./rig.ts";

export type Mood = "take" | "refuse" | "hang" | "close";
export type Arrived = { readonly path: string; readonly id: string; readonly body: string; readonly isTaken: boolean };

/** `moods`: what it does with one call after the other, over and over, until it recovers; it takes all unless given. */
export async function startWebhookReceiver(moods: readonly Mood[] = []) {
  const key = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const arrived: Arrived[] = [];
  let isGood = moods.length === 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const id = String(request.headers["webhook-id"]);
      const signed = `${id}.${request.headers["webhook-timestamp"]}.${body}`;
      const signature = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
      if (signature !== request.headers["webhook-signature"]) {
        response.writeHead(401).end();
        return;
      }
      const mood = isGood ? "take" : (moods[arrived.length % moods.length] ?? "take");
      arrived.push({ path: request.url ?? "", id, body, isTaken: mood === "take" });
      if (mood === "take") response.writeHead(204).end();
      else if (mood === "refuse") response.writeHead(503).end("not now");
      else if (mood === "close") request.socket.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onCleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const isOfAnIncident = ({ id }: Arrived): boolean => !id.startsWith("test/");
  return {
    port,
    /** What was posted there, in order. */
    at: (path: string) => arrived.filter((one) => one.path === path && isOfAnIncident(one)),
    lastAt: (path: string) => arrived.filter((one) => one.path === path).at(-1),
    recover() {
      isGood = true;
    },
    /** What people were told, each notification once: `opened: switch does not answer`. */
    told(): readonly string[] {
      const bodies = new Map(arrived.filter(isOfAnIncident).map(({ id, body }) => [id, body]));
      return [...bodies.values()].map((body) => {
        const { event, incident } = JSON.parse(body) as { event: string; incident: { title: string } };
        return `${event}: ${incident.title}`;
      });
    },
  };
}
