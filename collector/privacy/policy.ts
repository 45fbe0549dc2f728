/** How long what is held of people. Null: as long as the record itself is kept. Milliseconds since it ended or was written. */
export type PrivacyPolicy = {
  /** Then names of people in ended incidents, audit, commands and explanations become pseudonyms. */
  readonly namesMs: number | null;
  /** Then addresses and telephone numbers in the log of deliveries are cut. */
  readonly addressesMs: number | null;
  /** Then ended incidents go with their logs; what reports count of them stays. */
  readonly incidentsMs: number | null;
};

export const KEEP_ALL: PrivacyPolicy = { namesMs: null, addressesMs: null, incidentsMs: null };
