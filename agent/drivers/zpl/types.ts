/** What a ZPL printer said, as text of one byte a character (latin1), noise included. */
export type ZplReply = {
  /** All that came after `~HS`: three strings, each STX … ETX CR LF. */
  readonly hostStatus: string;
  /** All that came after `~HI`; null when it was not asked or did not answer. */
  readonly hostIdentification: string | null;
};
