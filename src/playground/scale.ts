/** The scale of the slider: temperatures from 0 to 3. Those below 0.25 take a third of it. */

export const HIGHEST = 3

/** Above this, output quality is known to fall. */
export const KNOWN_GOOD = 2

const BEND = 3

/** The place of a temperature, from 0 to 1. Temperatures above the scale are at its end. */
export function placeOf(temperature: number): number {
  const share = Math.min(temperature / HIGHEST, 1)
  return Math.log1p(share * Math.expm1(BEND)) / BEND
}

/** The temperature at a place, rounded to what a pointer can aim at. */
export function temperatureAt(place: number): number {
  const exact = (HIGHEST * Math.expm1(BEND * Math.min(Math.max(place, 0), 1))) / Math.expm1(BEND)
  return Number(exact.toFixed(exact < 0.1 ? 3 : 2))
}
