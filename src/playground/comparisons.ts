import { debounced, newest } from './asking.ts'
import { askCurve, askProfiles } from './asks.ts'
import type { Model } from './model.ts'

/** Compares the row of the dial at other temperatures, and under other profiles. */
export function createComparisons(model: Model, draw: () => void) {
  const { dial } = model

  const askForCurve = newest(
    askCurve,
    (points, { row }) => {
      if (row === dial.row) model.curve = points
      draw()
    },
    // The error is shown with the answer.
    () => {
      model.curve = undefined
      draw()
    },
  )

  /** The row and settings of the dial, without some fields and those of the draw. */
  function varied(...omitted: string[]) {
    const names = [...omitted, ...Object.keys(model.catalogue.fields.draw)]
    const all = Object.entries({ ...model.fields, ...dial.context })
    return {
      row: dial.row!,
      fields: Object.fromEntries(all.filter(([name]) => !names.includes(name))),
    }
  }

  /** The row and settings of the current curve. The temperature is not among them, because it does not change the curve. */
  let curved = { row: dial.row, settings: '' }
  const renewCurve = debounced(() => {
    const { row, fields } = varied('temperature', 'step', 'seed')
    const settings = JSON.stringify(fields)
    if (row === curved.row && settings === curved.settings && model.curve) return
    curved = { row, settings }
    askForCurve(varied('temperature'))
  }, 200)

  const askForProfiles = newest(
    askProfiles,
    (compared) => {
      model.compared = compared
      draw()
    },
    () => {
      model.compared = undefined
      draw()
    },
  )
  const renewProfiles = debounced(() => {
    if (!model.isComparing) return
    askForProfiles({ ...varied(), names: model.catalogue.profiles.map(({ name }) => name) })
  }, 200)

  return { renewCurve, renewProfiles }
}
