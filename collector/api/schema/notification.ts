/** Channels, and attempts to deliver by them. */
import { z } from "zod";

export const notificationChannel = z
  .object({
    name: z.string(),
    kind: z.enum(["webhook", "email"]),
    /** Its host, or who gets the mail and by which server. */
    target: z.string(),
    /** Notifications that are still to be delivered, and attempts that go on just now. */
    waiting: z.number(),
    busy: z.number(),
    /** Unix ms; null: never since the log begins. */
    deliveredAt: z.number().nullable(),
    /** The last attempt that failed, unless one worked since. */
    failure: z.object({ at: z.number(), status: z.number().nullable(), detail: z.string() }).nullable(),
    isDown: z.boolean(),
  })
  .meta({ id: "NotificationChannel" });

export const notificationAttempt = z
  .object({
    /** Of the notification: the same in all attempts and channels. */
    notification: z.string(),
    channel: z.string(),
    /** Empty for a test. */
    incident: z.string(),
    /** Unix ms. */
    at: z.number(),
    durationMs: z.number(),
    /** `retry`: it did not work, and is tried again. */
    outcome: z.enum(["delivered", "retry", "failed"]),
    /** Of HTTP or SMTP; null when there was no answer. */
    status: z.number().nullable(),
    detail: z.string(),
  })
  .meta({ id: "NotificationAttempt" });
