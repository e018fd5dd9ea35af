import { INFINITE, KNOWN_GOOD } from './scale.ts'

/** What a temperature does, in a few words. */
export interface Caption {
  readonly range: string
  readonly effect: string
}

export function captionOf(temperature: number): Caption {
  if (temperature === 0) return { range: 'T = 0', effect: 'No chance: always the likeliest word.' }
  if (temperature < 1) return { range: 'Below 1', effect: 'Sharper: likely words win more often.' }
  if (temperature === 1)
    return { range: 'T = 1', effect: 'The chances exactly as the model has them.' }
  if (temperature <= KNOWN_GOOD)
    return { range: 'Above 1', effect: 'Flatter: unlikely words win more often.' }
  if (temperature < INFINITE) return { range: 'Above 2', effect: 'Too flat: the text suffers.' }
  return { range: 'T = ∞', effect: 'All words alike: the scores count no more.' }
}
