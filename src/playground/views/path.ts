import { html, nothing } from 'lit-html'
import { setFields, summary } from '../controls.ts'
import { type Model, samplerOf, temperatureOf } from '../model.ts'
import { brief, percent } from '../numbers.ts'
import { temperatureText } from '../scale.ts'
import { type Answer, type Scene, takenAt } from '../scene.ts'
import type { Watched } from '../types.ts'
import { labelOf } from '../vocabulary.ts'

/** What happened to a token: its logit as it came, what each sampler made of it, and where it ended. */

const arrow = html`<span class="arrow">→</span>`

function settingsText(model: Model, { fields }: Answer, name: string): string {
  const set = setFields(samplerOf(model.catalogue, name), fields)
  return set
    .map(([field, value]) => (field === name ? summary(value) : `${field} ${summary(value)}`))
    .join(', ')
}

/** One sampler: what it made of the logit, or why the token is out. `logit` is that before it. */
function stepText(model: Model, answer: Answer, step: Watched['path'][number], logit: number) {
  const { title } = samplerOf(model.catalogue, step.sampler)
  const name = html`${title} <small>${settingsText(model, answer, step.sampler)}</small>`
  if (step.logit !== null) return html`${arrow} ${name} ${arrow} <b>${brief(step.logit, 4)}</b>`
  const { threshold } = step
  const isTied = threshold !== null && logit >= threshold
  const need =
    threshold === null
      ? nothing
      : html` needs ${brief(threshold, 4)}${isTied ? ', and of tied words a lower id' : ''}`
  return html`${arrow} ${name}${need} ${arrow} <b class="gone">out</b>`
}

function stepsText(model: Model, answer: Answer, { logit, path }: Watched) {
  let last = logit ?? Number.NEGATIVE_INFINITY
  return path.map((step) => {
    const text = stepText(model, answer, step, last)
    last = step.logit ?? last
    return html`${text} `
  })
}

/** What became of a token that is left. */
function endText(scene: Scene, answer: Answer, { token_id, probability }: Watched) {
  const taken = takenAt(scene, answer.at) ?? answer.result.token_ids[0]
  const chance = html`${arrow} <b>${percent(probability!)}</b> <small>at T = ${temperatureText(temperatureOf(answer.fields))}</small>`
  if (taken === token_id) return html`${chance} ${arrow} <b>the draw took it</b>`
  return html`${chance} ${arrow} the draw took <b class="word">${labelOf(taken!, answer.vocabulary)}</b>`
}

export function path(model: Model, scene: Scene, answer: Answer, id: number) {
  const token = answer.result.watched?.find(({ token_id }) => token_id === id)
  if (!token) return nothing
  if (token.logit === null) {
    return html`<p class="path" data-dropped-by="logits">Its logit is −∞, so it was never in play.</p>`
  }
  return html`<p class="path" data-dropped-by=${token.dropped_by ?? ''}>logit <b>${brief(token.logit, 4)}</b>
    ${stepsText(model, answer, token)}
    ${token.dropped_by === null ? endText(scene, answer, token) : nothing}</p>`
}
