/** Texts between STX and ETX, as most printers and scales frame what they say. */
const STX = "\u0002";
const ETX = "\u0003";

/** In the order in which they came. A new STX begins anew, so that a frame cut short can't eat the next one. */
export function framesOf(text: string): string[] {
  return text
    .split(STX)
    .slice(1)
    .filter((piece) => piece.includes(ETX))
    .map((piece) => piece.slice(0, piece.indexOf(ETX)).trim());
}
