/** Channels, attempts to deliver by them, who was told of an incident, and what a channel would be sent. */
import { z } from "zod";
import { PREVIEW_EVENTS } from "../../notify/preview.ts";
import { WAITS } from "../../notify/told.ts";

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
    /** Since when it fails, while it does. */
    failingSince: z.number().nullable(),
    /** When the oldest that should have gone was to go. */
    oldestAt: z.number().nullable(),
    /** What is due waits until its limit has room. */
    isLimited: z.boolean(),
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

export const notificationLog = z
  .object({
    items: z.array(notificationAttempt),
    /** `before` of the next page; null at the end. */
    next: z.number().nullable(),
  })
  .meta({ id: "NotificationLog" });

export const incidentTold = z
  .object({
    /** Oldest first: each notification to each channel. */
    told: z.array(
      z.object({
        notification: z.string(),
        channel: z.string(),
        /** Of the channel as it is now; null when there is none of this name any more. */
        target: z.string().nullable(),
        event: z.string(),
        /** Whom an escalation meant. */
        people: z.array(z.string()),
        why: z.string().nullable(),
        state: z.enum(["waiting", "delivered", "failed"]),
        createdAt: z.number(),
        doneAt: z.number().nullable(),
        attempts: z.number(),
        waits: z.enum(WAITS).nullable(),
        /** Unix ms: when it goes at the earliest. */
        nextAt: z.number().nullable(),
        /** The summary, storm or group in whose message it was told. */
        within: z.string().nullable(),
        /** What the last attempt was answered. */
        answer: z.string().nullable(),
      }),
    ),
    /** Why nobody is told of it as it is now, a sentence each. */
    untold: z.array(z.string()),
  })
  .meta({ id: "IncidentTold" });

const WORDS_CHARS_MAX = 8_192;

export const previewRequest = z
  .object({
    channel: z.string().max(64),
    event: z.enum(PREVIEW_EVENTS).default("opened"),
    /** Of this incident; without, of one made up. */
    incident: z.string().max(32).optional(),
    /** In place of the templates of notifications.yaml. */
    subject: z.string().max(WORDS_CHARS_MAX).optional(),
    body: z.string().max(WORDS_CHARS_MAX).optional(),
  })
  .meta({ id: "NotificationPreviewRequest" });

export const notificationPreview = z
  .object({
    kind: z.enum(["webhook", "email"]),
    /** Of a mail. */
    subject: z.string().nullable(),
    /** The mail's plain part, or the body of the webhook. */
    text: z.string(),
    html: z.string().nullable(),
  })
  .meta({ id: "NotificationPreview" });
