import { debounced, newest } from './asking.ts'
import { askAnswer, question } from './asks.ts'
import { found } from './connection.ts'
import { type Model, temperatureOf } from './model.ts'
import { brief, count } from './numbers.ts'
import type { Scene } from './scene.ts'

interface Port {
  readonly model: Model
  draw(): void
  failed(scene: Scene, error: unknown): void
}

/** Asks about the rows that are shown, and takes the answers. */
export function createAnswers({ model, draw, failed }: Port) {
  const { dial, three } = model

  /** Announces the result to screen readers, once the page has settled. */
  const announce = debounced(() => {
    const status = document.querySelector('#status')!
    const { answer, problem } = dial
    if (problem) status.textContent = problem.detail
    else if (answer) {
      const { entropy, kept_count } = answer.result
      status.textContent = `Temperature ${temperatureOf(answer.fields)}: ${count(kept_count)} tokens kept, entropy ${brief(entropy)} nats`
    }
  }, 700)

  function asker(scene: Scene) {
    return newest(
      askAnswer,
      (answer, { fields, row }) => {
        found()
        if (row !== scene.row) return
        scene.problem = undefined
        scene.answer = answer
        // The seed that the server drew becomes part of the state, so that the draw can be repeated.
        if (scene === dial && model.fields === fields && fields.seed === undefined) {
          model.fields = { ...fields, seed: answer.result.seed }
          scene.answer = { ...answer, fields: model.fields }
          askAbout(three)
        }
        announce()
        draw()
      },
      (error) => failed(scene, error),
    )
  }
  const ask = { dial: asker(dial), three: asker(three) }

  function askAbout(scene: Scene): void {
    const asked = question(model, scene)
    if (asked) ask[scene.name](asked)
  }

  return { askAbout, announce }
}
