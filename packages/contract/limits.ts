/** What a message may be at most. A receiver refuses more; a sender splits before it gets there. */
export const LIMITS = {
  /** DESIGN: a message is at most 256 KiB, so that thin lines carry other messages in between. */
  messageBytesMax: 256 * 1024,
  /** A topic of ours is under 200 bytes; a foreign one may not cost more. */
  topicBytesMax: 256,
  /** Subjects (devices and components) in one telemetry message. */
  subjectsMax: 4_096,
  /** Tables (distinct metric sets) in one telemetry message. */
  tablesMax: 512,
  /** Metrics in one table. */
  metricsMax: 256,
  /** Readings in one table. */
  rowsMax: 8_192,
  /** Poll failures and events in one telemetry message. */
  failuresMax: 4_096,
  eventsMax: 1_024,
  /** Devices in one inventory part, and parts in one inventory. */
  inventoryDevicesMax: 512,
  inventoryPartsMax: 64,
  /** Outbox files set aside that a status tells of: three are kept, and what those had to tell. */
  formerOutboxesMax: 8,
  /** Text fields: names, details, versions. */
  textCharsMax: 512,
  /** Text of a reply: diagnostics of an agent with a hundred devices. */
  replyCharsMax: 48 * 1024,
  /** Times are Unix ms between 2001 and 2100: outside, the clock or the message is broken. */
  timeMsMin: 1_000_000_000_000,
  timeMsMax: 4_102_444_800_000,
} as const;
