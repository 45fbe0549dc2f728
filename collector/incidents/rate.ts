/** How often something happens, with the range in which the true rate lies. */

/** Times for each unit of exposure; 95 of 100 such ranges hold the rate that there is. */
export type Rate = { readonly value: number; readonly low: number; readonly high: number };

/** Of the normal distribution, for 95 %. */
const Z = 1.96;

/** Of a count that comes by chance (Poisson), by Byar's approximation (Breslow and Day, IARC 82, 1987, p. 69): within 1 % of exact. */
export function rateOf(count: number, exposure: number): Rate {
  const next = count + 1;
  const low = count === 0 ? 0 : count * (1 - 1 / (9 * count) - Z / (3 * Math.sqrt(count))) ** 3;
  const high = next * (1 - 1 / (9 * next) + Z / (3 * Math.sqrt(next))) ** 3;
  return { value: count / exposure, low: low / exposure, high: high / exposure };
}
