/** Temperatures along the slider: 0 to 3, with a third of the way for those below a quarter. */

export const HIGHEST = 3

/** Above this, output quality is known to fall. */
export const KNOWN_GOOD = 2

const BEND = 3

/** From a temperature to its place, 0 to 1; what is higher than the scale is at its end. */
export function placeOf(temperature: number): number {
  const share = Math.min(temperature / HIGHEST, 1)
  return Math.log1p(share * Math.expm1(BEND)) / BEND
}

/** The temperature at a place, with as many digits as a hand can aim at. */
export function temperatureAt(place: number): number {
  const exact = (HIGHEST * Math.expm1(BEND * Math.min(Math.max(place, 0), 1))) / Math.expm1(BEND)
  return Number(exact.toFixed(exact < 0.1 ? 3 : 2))
}
