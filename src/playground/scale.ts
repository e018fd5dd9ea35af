/** The scale of the slider: temperatures from 0 to 3, of which those below 0.25 take a third, and ∞ at its end. */

export const HIGHEST = 3

/** Above this, text is known to suffer. */
export const KNOWN_GOOD = 2

/** The temperature that stands for ∞. JSON has no infinity, and here all words are alike to nine digits. */
export const INFINITE = 1e9

const BEND = 3
/** The place of the highest finite temperature. The rest of the slider is ∞. */
const FINITE_END = 0.92

/** The place of a temperature on a scale from 0 to `HIGHEST`. Higher temperatures are at its end. */
export function placeOf(temperature: number): number {
  const share = Math.min(temperature / HIGHEST, 1)
  return Math.log1p(share * Math.expm1(BEND)) / BEND
}

/** The temperature at a place, rounded to what a pointer can aim at. */
export function temperatureAt(place: number): number {
  const exact = (HIGHEST * Math.expm1(BEND * Math.min(Math.max(place, 0), 1))) / Math.expm1(BEND)
  return Number(exact.toFixed(exact < 0.1 ? 3 : 2))
}

/** The place of a temperature on the slider, which ends with ∞. */
export function sliderPlaceOf(temperature: number): number {
  if (temperature >= INFINITE) return 1
  if (temperature > HIGHEST) return (1 + FINITE_END) / 2
  return FINITE_END * placeOf(temperature)
}

export function sliderTemperatureAt(place: number): number {
  if (place > (1 + FINITE_END) / 2) return INFINITE
  const temperature = temperatureAt(place / FINITE_END)
  // The plain model is easy to find again.
  return Math.abs(temperature - 1) < 0.025 ? 1 : temperature
}

export function temperatureText(temperature: number): string {
  return temperature >= INFINITE ? '∞' : String(temperature)
}

/** Reads what someone types as a temperature; undefined if it is none. */
export function readTemperature(text: string): number | undefined {
  const written = text.trim().replace('−', '-').replace(',', '.')
  if (/^\+?(∞|inf(inity)?)$/i.test(written)) return INFINITE
  return written === '' || Number.isNaN(Number(written)) ? undefined : Number(written)
}
