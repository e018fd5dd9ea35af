import type { Actions } from '../actions.ts'
import { Curve } from '../curve.ts'
import { type Model, temperatureOf } from '../model.ts'

/** The plot of the entropy over the temperature. */

const NO_CURVE = { temperatures: [], entropies: [] }

export function createCurve(actions: Actions): Curve {
  return new Curve(document.querySelector('#curve')!, (temperature) =>
    actions.setField('temperature', temperature),
  )
}

export function showCurve(curve: Curve, { curve: points, dial }: Model): void {
  const { answer } = dial
  const now = answer && {
    temperature: temperatureOf(answer.fields),
    entropy: answer.result.entropy,
  }
  curve.show({ ...(points ?? NO_CURVE), now })
}
